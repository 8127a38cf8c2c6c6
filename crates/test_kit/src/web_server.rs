//! A web server whose answers a test writes byte by byte.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A web server on 127.0.0.1. Each connection has one request. Its threads end with the process.
#[derive(Clone, Debug)]
pub struct WebServer {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

/// A request, and the connection to which the test writes its answer.
#[derive(Debug)]
pub struct Exchange {
    head: String,
    index: usize,
    stream: TcpStream,
}

impl WebServer {
    /// Starts a server that calls `answer` for each request, and then closes the connection.
    ///
    /// # Panics
    /// When no port of this machine is free.
    pub fn start(answer: impl Fn(&mut Exchange) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let server = Self { port, requests: Arc::default() };
        let (serving, answer) = (server.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (server, answer) = (serving.clone(), answer.clone());
                std::thread::spawn(move || {
                    if let Some(mut exchange) = server.receive(stream) {
                        answer(&mut exchange);
                    }
                });
            }
        });
        server
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// URL of a path, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The heads of the requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the head of a request; `None` if the client disconnects before its end.
    fn receive(&self, stream: TcpStream) -> Option<Exchange> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).ok().filter(|read| *read > 0)?;
        }
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(head.clone());
        Some(Exchange { head, index: requests.len() - 1, stream })
    }
}

impl Exchange {
    /// Number of requests that the server received before this one.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Path and query of the request.
    #[must_use]
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of a header, whose name is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Sends bytes. Returns whether the client is still connected.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Sends the head of an answer; `headers` are lines that end with CR LF.
    pub fn begin(&mut self, status: &str, headers: &str) {
        self.send(format!("HTTP/1.1 {status}\r\n{headers}\r\n"));
    }

    /// Sends the head of the answer with a file of `length` bytes, or with its rest if the request asks for it by a range
    /// of this `etag`. Returns the position of the first byte to send.
    pub fn begin_file(&mut self, length: usize, etag: &str) -> usize {
        let range = self
            .header("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        let first = range.filter(|first| *first < length && self.header("if-range") == Some(etag));
        let (status, range) = match first {
            Some(first) => ("206 -", format!("content-range: bytes {first}-{}/{length}\r\n", length - 1)),
            None => ("200 -", String::new()),
        };
        let first = first.unwrap_or(0);
        self.begin(status, &format!("etag: {etag}\r\ncontent-length: {}\r\n{range}", length - first));
        first
    }

    /// Sends a file, or its rest, as [`Exchange::begin_file`].
    pub fn send_file(&mut self, bytes: &[u8], etag: &str) {
        let first = self.begin_file(bytes.len(), etag);
        self.send(&bytes[first..]);
    }

    /// Sends nothing more, and waits until the client disconnects.
    pub fn stall(&mut self) {
        while self.stream.read(&mut [0; 1024]).is_ok_and(|read| read > 0) {}
    }
}
