//! Google Cloud Storage and Azure Blob Storage as their clients see them when they read objects: a [`WebServer`] whose
//! answers the test writes with [`Exchange::send_object`].

use std::ops::Range;

use crate::{Exchange, WebServer};

/// A cloud whose object store has the bucket or container `media`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl Cloud {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Google, Self::Azure];

    /// URI of an object, or of the bucket with an empty key.
    #[must_use]
    pub fn uri(self, key: &str) -> String {
        let scheme = match self {
            Self::Google => "gs",
            Self::Azure => "az",
        };
        format!("{scheme}://media/{key}")
    }

    /// Options of the client that connect to `server` with credentials.
    #[must_use]
    pub fn options(self, server: &WebServer) -> Vec<(String, String)> {
        let endpoint = server.url("");
        let options = match self {
            Self::Google => vec![
                ("google_base_url", endpoint.as_str()),
                ("google_allow_http", "true"),
                ("google_bearer_token", "token"),
            ],
            Self::Azure => vec![
                ("azure_storage_endpoint", endpoint.as_str()),
                ("azure_allow_http", "true"),
                ("azure_storage_account_name", "account"),
                ("azure_storage_account_key", "a2V5"),
            ],
        };
        options.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// How the header `Authorization` of each request begins with these options.
    #[must_use]
    pub const fn authorization(self) -> &'static str {
        match self {
            Self::Google => "Bearer token",
            Self::Azure => "SharedKey account:",
        }
    }
}

impl Exchange {
    /// Key of the requested object. Google's client encodes slashes and dots, too.
    #[must_use]
    pub fn object_key(&self) -> String {
        let path = self.target().replace("%2F", "/").replace("%2E", ".").replace("%20", " ");
        path.strip_prefix("/media/").unwrap_or_default().to_owned()
    }

    /// Sends the head of the answer with an object of `length` bytes, or with the range that the request asks for. Returns
    /// the positions of the bytes to send; they are empty where `If-Match` names another version, which is answered 412.
    pub fn begin_object(&mut self, length: usize, etag: &str) -> Range<usize> {
        if self.header("if-match").is_some_and(|expected| expected != etag) {
            self.begin("412 -", "content-length: 0\r\nconnection: close\r\n");
            return 0..0;
        }
        let range = self.header("range").and_then(|range| {
            let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
            Some(first.parse::<usize>().ok()?..last.parse::<usize>().ok()? + 1)
        });
        let (status, part) = match &range {
            Some(range) => {
                ("206 -", format!("content-range: bytes {}-{}/{length}\r\n", range.start, range.end - 1))
            }
            None => ("200 -", String::new()),
        };
        let range = range.unwrap_or(0..length);
        let headers = format!(
            "etag: {etag}\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nconnection: close\r\n{part}\
             content-length: {}\r\n",
            range.len()
        );
        self.begin(status, &headers);
        range
    }

    /// Sends an object, or the range of it that the request asks for, as [`Exchange::begin_object`].
    pub fn send_object(&mut self, bytes: &[u8], etag: &str) {
        let range = self.begin_object(bytes.len(), etag);
        self.send(&bytes[range]);
    }

    /// Answers that the object does not exist, or that access is refused.
    pub fn refuse_object(&mut self, status: u16) {
        self.begin(&format!("{status} -"), "content-length: 0\r\nconnection: close\r\n");
    }
}
