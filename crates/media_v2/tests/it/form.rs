//! Multipart bodies, built by hand so that tests can break them.

use axum::body::Body;
use axum::http::Request;

pub(crate) const BOUNDARY: &str = "a-boundary";

/// Builder of a multipart body.
#[derive(Clone)]
pub(crate) struct Form(Vec<u8>);

impl Form {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(value.as_bytes());
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub(crate) fn file(mut self, name: &str, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(&file_head(name));
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub(crate) fn body(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&tail());
        self.0
    }

    pub(crate) fn request(self) -> Request<Body> {
        upload_request(Body::from(self.body()))
    }
}

pub(crate) fn file_head(name: &str) -> Vec<u8> {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: text/html\r\n\r\n"
    )
    .into_bytes()
}

pub(crate) fn tail() -> Vec<u8> {
    format!("--{BOUNDARY}--\r\n").into_bytes()
}

pub(crate) fn upload_request(body: Body) -> Request<Body> {
    Request::post("/media-v2/assets")
        .header("x-tenant-id", "t1")
        .header("x-env", "dev")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(body)
        .unwrap()
}
