use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::middleware::from_fn_with_state;
use blob_store::BlobStore;
use db::testing::TestDatabase;
use http_body_util::BodyExt;
use http_kit::idempotency;
use media_v2::{MediaConfig, MediaService, SourcePolicy};
use primitives::{ManualClock, Scope};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// A service with its own database, blob store and directory of allowed sources.
pub(crate) struct World {
    pub(crate) app: Router,
    pub(crate) service: MediaService,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) directory: TempDir,
    _database: TestDatabase,
}

/// Limit of uploads in these tests, in bytes.
pub(crate) const MAX_UPLOAD: u64 = 128 << 20;

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("sources")).unwrap();
        let blobs = BlobStore::open_directory(&directory.path().join("blobs")).unwrap();
        let config = MediaConfig {
            sources: SourcePolicy::new([directory.path().join("sources")]).unwrap(),
            max_upload_bytes: MAX_UPLOAD,
            ..MediaConfig::default()
        };
        let clock = Arc::new(ManualClock::new("2026-01-02T03:04:05Z".parse().unwrap()));
        let service = MediaService::new(database.pool.clone(), blobs, clock.clone(), config);
        let (router, _) = media_v2::router(service.clone()).split_for_parts();
        let keys = idempotency::Keys::new(database.pool.clone());
        let router = router.layer(from_fn_with_state(keys, idempotency::layer));
        let app = http_kit::boundary::layer(router);
        Self { app, service, clock, directory, _database: database }
    }

    /// Writes a file to the allowed sources and returns its URI.
    pub(crate) fn source(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.directory.path().join("sources").join(name);
        std::fs::write(&path, bytes).unwrap();
        format!("file://{}", path.display())
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(request("GET", path).body(Body::empty()).unwrap()).await
    }

    /// Sends `GET` with additional headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let request = headers.iter().fold(request("GET", path), |request, (k, v)| request.header(*k, *v));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        let request = request("POST", path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Uploads `file` with additional text fields before it, in the given order.
    pub(crate) async fn upload(&self, file: &[u8], fields: &[(&str, &str)]) -> Reply {
        let mut form = Form::new();
        for (name, value) in fields {
            form = form.text(name, value);
        }
        self.send(form.file("talk.wav", file).request()).await
    }

    /// Uploads a short recording and returns the id of its asset.
    pub(crate) async fn asset(&self) -> String {
        self.upload(&wav(8_000, 1, 800), &[]).await.created()["id"].as_str().unwrap().to_owned()
    }

    /// Registers an artifact of the asset with additional members in its body, and returns its id.
    pub(crate) async fn artifact(&self, asset: &str, more: Value) -> String {
        let mut body = serde_json::json!({"kind": "audio_hit", "uri": "mem:hit"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = self.post(&format!("/media-v2/assets/{asset}/artifacts"), &body).await;
        reply.created()["id"].as_str().unwrap().to_owned()
    }

    /// Number of files in the blob store, including staged ones.
    pub(crate) fn blob_files(&self) -> usize {
        count_files(&self.directory.path().join("blobs"))
    }

    pub(crate) async fn asset_count(&self) -> usize {
        self.get("/media-v2/assets?limit=500").await.ok()["items"].as_array().unwrap().len()
    }
}

pub(crate) fn count_files(directory: &Path) -> usize {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { count_files(&path) } else { 1 })
        .sum()
}

/// A request of tenant `t1` in the environment `dev`.
pub(crate) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header("x-tenant-id", "t1").header("x-env", "dev")
}

pub(crate) fn scope() -> Scope {
    Scope { tenant_id: "t1".parse().unwrap(), env: "dev".parse().unwrap() }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{:?}", self.body);
        self.json()
    }

    pub(crate) fn created(&self) -> Value {
        assert_eq!(self.status, StatusCode::CREATED, "{:?}", self.body);
        self.json()
    }

    /// Asserts that the reply is a problem document with this status and code, and returns it.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(body["status"], status);
        body
    }

    /// Asserts that the reply is a 422 `invalid_body`, and returns the pointers of its errors.
    pub(crate) fn invalid(&self) -> Vec<String> {
        let body = self.problem(422, "invalid_body");
        body["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

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
    request("POST", "/media-v2/assets")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(body)
        .unwrap()
}

/// A WAV file of 16-bit samples with a sawtooth wave.
pub(crate) fn wav(rate: u32, channels: u16, frames: u32) -> Vec<u8> {
    let block = channels * 2;
    let size = frames * u32::from(block);
    let mut bytes = Vec::new();
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + size).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16u32.to_le_bytes());
    bytes.extend_from_slice(&1u16.to_le_bytes());
    bytes.extend_from_slice(&channels.to_le_bytes());
    bytes.extend_from_slice(&rate.to_le_bytes());
    bytes.extend_from_slice(&(rate * u32::from(block)).to_le_bytes());
    bytes.extend_from_slice(&block.to_le_bytes());
    bytes.extend_from_slice(&16u16.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&size.to_le_bytes());
    for frame in 0..frames {
        for _ in 0..channels {
            bytes.extend_from_slice(&((frame % 200) as i16 * 100).to_le_bytes());
        }
    }
    bytes
}

/// Pseudo-random bytes, the same on each call (xorshift).
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| step()).collect()
}
