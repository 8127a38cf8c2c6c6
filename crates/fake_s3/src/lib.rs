//! An object store for tests: the subset of S3 that `blob_store` uses, in the process of the test, with delays and
//! failures.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// An S3 server that stores everything in memory. Its thread ends with the process.
#[derive(Clone, Debug)]
pub struct FakeS3(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    endpoint: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objects: HashMap<String, Vec<u8>>,
    uploads: BTreeMap<String, BTreeMap<usize, Vec<u8>>>,
    requests: Vec<String>,
    put_delay: Duration,
    refused: Option<String>,
    running: usize,
    most_running: usize,
}

impl FakeS3 {
    /// Starts an empty store on a free port.
    ///
    /// # Errors
    /// When no port of this machine is free.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let store = Self(Arc::new(Inner { endpoint, state: Mutex::default() }));
        let serving = store.clone();
        std::thread::spawn(move || {
            // A client that disconnects early ends its own connection only.
            for stream in listener.incoming().flatten() {
                let store = serving.clone();
                std::thread::spawn(move || store.serve(&stream));
            }
        });
        Ok(store)
    }

    /// Each change is one statement, so a thread that panics leaves no inconsistent state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// URL of a blob store in it.
    #[must_use]
    pub const fn url() -> &'static str {
        "s3://bucket/blobs"
    }

    /// URL of the server, without a bucket.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// Options of the S3 client that connect to it.
    #[must_use]
    pub fn options(&self) -> [(String, String); 5] {
        let options = [
            ("aws_endpoint", self.endpoint()),
            ("aws_allow_http", "true"),
            ("aws_access_key_id", "a"),
            ("aws_secret_access_key", "b"),
            ("aws_region", "c"),
        ];
        options.map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    /// Delays every PUT from now on.
    pub fn delay_puts(&self, delay: Duration) {
        self.state().put_delay = delay;
    }

    /// Answers 403 from now on to requests whose request line contains `text`.
    pub fn refuse(&self, text: &str) {
        self.state().refused = Some(text.to_owned());
    }

    /// Number of stored objects.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.state().objects.len()
    }

    /// Number of multipart uploads that are neither completed nor aborted.
    #[must_use]
    pub fn unfinished_uploads(&self) -> usize {
        self.state().uploads.len()
    }

    /// The requests so far: method and target.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }

    /// Maximum number of concurrent PUTs so far.
    #[must_use]
    pub fn most_puts_at_once(&self) -> usize {
        self.state().most_running
    }

    /// Answers the requests of a connection until it ends.
    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let mut words = line.split(' ');
            let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
            let (mut length, mut range) = (0, None);
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).ok()?;
                if header.trim().is_empty() {
                    break;
                }
                let header = header.to_ascii_lowercase();
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                } else if let Some(value) = header.strip_prefix("range:") {
                    range = first_and_last(value);
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let answer = self.timed(&method, &target, body);
            let (status, content, content_range) = match range {
                Some(range) if method == "GET" => part_of(answer, range),
                _ => (answer.0, answer.1, String::new()),
            };
            let head = format!(
                "HTTP/1.1 {status} -\r\ncontent-length: {}\r\netag: \"e\"\r\n{content_range}\
                 last-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n",
                content.len()
            );
            let content = if method == "HEAD" { &[] } else { content.as_slice() };
            (&mut &*stream).write_all(&[head.as_bytes(), content].concat()).ok()?;
        }
    }

    fn timed(&self, method: &str, target: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        let delay = {
            let mut state = self.state();
            state.requests.push(format!("{method} {target}"));
            if method == "PUT" {
                state.running += 1;
                state.most_running = state.most_running.max(state.running);
            }
            if method == "PUT" { state.put_delay } else { Duration::ZERO }
        };
        std::thread::sleep(delay);
        let mut state = self.state();
        if method == "PUT" {
            state.running -= 1;
        }
        state.answer(method, target, body)
    }
}

/// First and last byte of the value of a `Range` header, `bytes=FIRST-LAST`; the last one may be missing.
fn first_and_last(value: &str) -> Option<(usize, usize)> {
    let (first, last) = value.trim().strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().unwrap_or(usize::MAX)))
}

/// The part of a whole answer in the range: status, content, and the header `Content-Range`.
fn part_of(answer: (u16, Vec<u8>), (first, last): (usize, usize)) -> (u16, Vec<u8>, String) {
    let (status, content) = answer;
    if status != 200 || first >= content.len() || last < first {
        return (status, content, String::new());
    }
    let last = last.min(content.len() - 1);
    let content_range = format!("content-range: bytes {first}-{last}/{}\r\n", content.len());
    (206, content[first..=last].to_vec(), content_range)
}

impl State {
    /// Removes the objects of a list of keys in XML, in the bucket `path`.
    fn delete(&mut self, path: &str, list: &[u8]) -> Vec<u8> {
        let list = String::from_utf8_lossy(list);
        let keys = list.split("<Key>").skip(1).filter_map(|rest| Some(rest.split_once("</Key>")?.0));
        let mut deleted = String::new();
        for key in keys {
            self.objects.remove(&format!("{}/{key}", path.trim_end_matches('/')));
            deleted.push_str(&format!("<Deleted><Key>{key}</Key></Deleted>"));
        }
        format!("<DeleteResult>{deleted}</DeleteResult>").into_bytes()
    }

    fn answer(&mut self, method: &str, target: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
        if self.refused.as_ref().is_some_and(|text| format!("{method} {target}").contains(text)) {
            return (403, b"<Error><Code>AccessDenied</Code></Error>".to_vec());
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parameter = |name: &str| {
            let found = query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            found.map(str::to_owned)
        };
        match (method, parameter("uploadId"), parameter("partNumber")) {
            ("POST", None, _) if query.starts_with("uploads") => {
                let id = format!("upload-{}", self.requests.len());
                self.uploads.insert(id.clone(), BTreeMap::new());
                let xml = format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                );
                (200, xml.into_bytes())
            }
            ("PUT", Some(id), Some(part)) => match (self.uploads.get_mut(&id), part.parse()) {
                (Some(parts), Ok(number)) => {
                    parts.insert(number, body);
                    (200, Vec::new())
                }
                _ => (404, b"<Error><Code>NoSuchUpload</Code></Error>".to_vec()),
            },
            ("POST", Some(id), _) => {
                let parts = self.uploads.remove(&id).unwrap_or_default();
                self.objects.insert(path.to_owned(), parts.into_values().flatten().collect());
                let xml = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>";
                (200, xml.as_bytes().to_vec())
            }
            ("DELETE", Some(id), _) => {
                (if self.uploads.remove(&id).is_some() { 204 } else { 404 }, Vec::new())
            }
            ("DELETE", None, _) => {
                self.objects.remove(path);
                (204, Vec::new())
            }
            ("POST", None, _) if query.starts_with("delete") => (200, self.delete(path, &body)),
            ("PUT", None, _) => {
                self.objects.insert(path.to_owned(), body);
                (200, Vec::new())
            }
            ("HEAD" | "GET", ..) => match self.objects.get(path) {
                Some(bytes) => (200, bytes.clone()),
                None => (404, Vec::new()),
            },
            _ => (405, Vec::new()),
        }
    }
}
