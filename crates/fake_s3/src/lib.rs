//! An object store for tests: the subset of S3 that `blob_store` uses, in the process of the test, with delays and
//! failures.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
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
            ("aws_endpoint", self.0.endpoint.as_str()),
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
            let (mut length, mut headers) = (0, Headers::default());
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).ok()?;
                if header.trim().is_empty() {
                    break;
                }
                let (name, value) = header.split_once(':')?;
                let value = value.trim();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().ok()?,
                    "range" => headers.range = range(value),
                    "x-amz-copy-source" => headers.copy_source = Some(format!("/{value}")),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let Answer { status, content, tag, range } = self.timed(&method, &target, headers, body);
            let head = format!(
                "HTTP/1.1 {status} -\r\ncontent-length: {}\r\netag: \"{tag}\"\r\n{range}\
                 last-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n",
                content.len()
            );
            let content = if method == "HEAD" { &[] } else { content.as_slice() };
            (&mut &*stream).write_all(&[head.as_bytes(), content].concat()).ok()?;
        }
    }

    fn timed(&self, method: &str, target: &str, headers: Headers, body: Vec<u8>) -> Answer {
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
        let range = headers.range.clone();
        let stored = (method == "PUT").then(|| entity_tag(&body));
        let (status, content) = state.answer(method, target, headers, body);
        let tag = stored.unwrap_or_else(|| entity_tag(&content));
        Answer::new(status, content, tag, range.filter(|_| method == "GET"))
    }
}

/// The headers of a request that matter.
#[derive(Debug, Default)]
struct Headers {
    range: Option<Range<usize>>,
    /// Path of the object to copy.
    copy_source: Option<String>,
}

/// The range of `bytes=FIRST-LAST`.
fn range(value: &str) -> Option<Range<usize>> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    Some(first.parse().ok()?..last.parse::<usize>().ok()? + 1)
}

/// The entity tag of bytes, without quotation marks.
fn entity_tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The numbers and entity tags of the parts that the body of a completion lists.
fn listed_parts(body: &[u8]) -> Vec<(usize, String)> {
    let body = String::from_utf8_lossy(body);
    let text = |part: &str, name: &str| {
        let (_, rest) = part.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text.replace("&quot;", "").replace('"', ""))
    };
    let parts = body.split("<Part>").skip(1);
    parts.filter_map(|part| Some((text(part, "PartNumber")?.parse().ok()?, text(part, "ETag")?))).collect()
}

struct Answer {
    status: u16,
    content: Vec<u8>,
    tag: String,
    /// The header `Content-Range`, or nothing.
    range: String,
}

impl Answer {
    /// The answer, or its `range` where it is the content of an object.
    fn new(status: u16, content: Vec<u8>, tag: String, range: Option<Range<usize>>) -> Self {
        let total = content.len();
        match range.filter(|range| status == 200 && range.start < total) {
            Some(range) => {
                let end = range.end.min(total);
                let header = format!("content-range: bytes {}-{}/{total}\r\n", range.start, end - 1);
                Self { status: 206, content: content[range.start..end].to_vec(), tag, range: header }
            }
            None => Self { status, content, tag, range: String::new() },
        }
    }
}

impl State {
    fn answer(&mut self, method: &str, target: &str, headers: Headers, body: Vec<u8>) -> (u16, Vec<u8>) {
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
            ("POST", Some(id), _) => self.complete(path, &id, &body),
            ("DELETE", Some(id), _) => {
                (if self.uploads.remove(&id).is_some() { 204 } else { 404 }, Vec::new())
            }
            ("POST", None, _) if query == "delete" => {
                let body = String::from_utf8_lossy(&body);
                let mut deleted = String::new();
                for key in body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()) {
                    self.objects.remove(&format!("{}/{key}", path.trim_end_matches('/')));
                    deleted.push_str(&format!("<Deleted><Key>{key}</Key></Deleted>"));
                }
                (200, format!("<DeleteResult>{deleted}</DeleteResult>").into_bytes())
            }
            ("DELETE", None, _) => {
                self.objects.remove(path);
                (204, Vec::new())
            }
            ("PUT", None, _) if headers.copy_source.is_some() => {
                let source = headers.copy_source.and_then(|source| self.objects.get(&source).cloned());
                let Some(bytes) = source else {
                    return (404, b"<Error><Code>NoSuchKey</Code></Error>".to_vec());
                };
                self.objects.insert(path.to_owned(), bytes);
                (200, b"<CopyObjectResult><ETag>e</ETag></CopyObjectResult>".to_vec())
            }
            ("PUT", None, _) => {
                self.objects.insert(path.to_owned(), body);
                (200, Vec::new())
            }
            ("GET", None, None) if query.contains("list-type=2") => {
                let prefix = parameter("prefix").unwrap_or_default().replace("%2F", "/");
                (200, self.list(path, &prefix).into_bytes())
            }
            ("HEAD" | "GET", ..) => match self.objects.get(path) {
                Some(bytes) => (200, bytes.clone()),
                None => (404, Vec::new()),
            },
            _ => (405, Vec::new()),
        }
    }

    /// Makes an object of the listed parts of an upload; parts that are not listed are dropped, as S3 does.
    fn complete(&mut self, path: &str, id: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let Some(parts) = self.uploads.get(id) else {
            return (404, b"<Error><Code>NoSuchUpload</Code></Error>".to_vec());
        };
        let mut object = Vec::new();
        for (number, tag) in listed_parts(body) {
            match parts.get(&number).filter(|part| entity_tag(part) == tag) {
                Some(part) => object.extend_from_slice(part),
                None => return (400, b"<Error><Code>InvalidPart</Code></Error>".to_vec()),
            }
        }
        self.uploads.remove(id);
        self.objects.insert(path.to_owned(), object);
        let xml = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>";
        (200, xml.as_bytes().to_vec())
    }

    /// The objects of a bucket, as ListObjectsV2 answers them.
    fn list(&self, bucket: &str, prefix: &str) -> String {
        let bucket = format!("{}/", bucket.trim_end_matches('/'));
        let keys = self.objects.iter().filter_map(|(path, bytes)| {
            let key = path.strip_prefix(&bucket).filter(|key| key.starts_with(prefix))?;
            Some(format!(
                "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>e</ETag>\
                 <Size>{}</Size></Contents>",
                bytes.len()
            ))
        });
        format!("<ListBucketResult>{}</ListBucketResult>", keys.collect::<String>())
    }
}
