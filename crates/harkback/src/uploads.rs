//! Limit of concurrent uploads of a tenant: a number of them run, more wait, and further ones are refused. Each takes a
//! connection, a file, and a part of the processors and of the disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_kit::Problem;
use http_kit::codes::QUEUE_FULL;
use tokio::sync::Semaphore;

use crate::capacity::QueueSize;

/// Paths of forms with a file.
const FORMS: [&str; 2] = ["/media-v2/assets", "/audio/identify"];
/// Path of resumable uploads, with their ids below it.
const RESUMABLE: &str = "/media-v2/uploads";
/// Maximum of `Retry-After`, in seconds.
const MAX_WAIT_S: u64 = 300;

/// Uploads of all tenants. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Uploads {
    running: Arc<Mutex<Running>>,
    /// Of one tenant; the bodies of waiting uploads are not read yet.
    limit: QueueSize,
}

#[derive(Debug, Default)]
struct Running {
    /// By the value of the tenant header; only tenants with an upload have an entry. Callers that send their tenant in
    /// the form are counted together, under the empty value.
    tenants: HashMap<Vec<u8>, TenantUploads>,
    /// Duration of the last upload, without its wait.
    last: Duration,
}

#[derive(Debug)]
struct TenantUploads {
    count: usize,
    slots: Arc<Semaphore>,
}

/// An upload that runs or waits.
struct Upload {
    uploads: Uploads,
    tenant: Vec<u8>,
    slots: Arc<Semaphore>,
}

/// Middleware that limits the uploads of each tenant. Mount it inside of the layer that authenticates callers.
pub(crate) async fn layer(State(uploads): State<Uploads>, request: Request, next: Next) -> Response {
    if !is_upload(request.method(), request.uri().path(), is_json(request.headers())) {
        return next.run(request).await;
    }
    let tenant = request.headers().get("x-tenant-id").map_or(&b""[..], |tenant| tenant.as_bytes()).to_vec();
    let upload = match uploads.begin(tenant) {
        Ok(upload) => upload,
        Err(problem) => return problem.into_response(),
    };
    // The semaphore is never closed; if it were, the limit of waiting uploads would still hold.
    let _slot = upload.slots.acquire().await.ok();
    let began = Instant::now();
    let response = next.run(request).await;
    uploads.running().last = began.elapsed();
    response
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

/// Whether the body of the request may be a file, or a part of one. JSON registers a file, and may wait for long until a
/// job has fetched it.
fn is_upload(method: &Method, path: &str, is_json: bool) -> bool {
    match *method {
        Method::POST if FORMS.contains(&path) => !is_json,
        Method::POST | Method::PATCH => {
            path.strip_prefix(RESUMABLE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        _ => false,
    }
}

impl Uploads {
    pub(crate) fn new(limit: QueueSize) -> Self {
        Self { running: Arc::default(), limit }
    }

    fn begin(&self, tenant: Vec<u8>) -> Result<Upload, Problem> {
        let QueueSize { running: at_once, waiting } = self.limit;
        let most = at_once + waiting;
        let mut running = self.running();
        let last = running.last;
        let of_tenant = running
            .tenants
            .entry(tenant.clone())
            .or_insert_with(|| TenantUploads { count: 0, slots: Arc::new(Semaphore::new(at_once)) });
        if of_tenant.count >= most {
            let rounds = u64::try_from(most / at_once.max(1)).unwrap_or(1);
            let wait_s = (last.as_secs() * rounds + 1).min(MAX_WAIT_S);
            let detail = format!(
                "{most} uploads of this tenant are running or waiting already; send this one again later"
            );
            return Err(Problem::new(QUEUE_FULL, detail).retry_after(u32::try_from(wait_s).unwrap_or(1)));
        }
        of_tenant.count += 1;
        Ok(Upload { uploads: self.clone(), tenant, slots: of_tenant.slots.clone() })
    }

    /// The lock is never poisoned: nothing panics while it is held.
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut running = self.uploads.running();
        if let Some(of_tenant) = running.tenants.get_mut(&self.tenant) {
            of_tenant.count -= 1;
            if of_tenant.count == 0 {
                running.tenants.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_with_bytes_of_files_are_uploads() {
        for (method, path, expected) in [
            (Method::POST, "/media-v2/assets", true),
            (Method::POST, "/audio/identify", true),
            (Method::GET, "/media-v2/assets", false),
            (Method::POST, "/media-v2/assets/a1/artifacts", false),
            (Method::POST, "/media-v2/uploads", true),
            (Method::PATCH, "/media-v2/uploads/u1", true),
            (Method::HEAD, "/media-v2/uploads/u1", false),
            (Method::POST, "/media-v2/uploadsx", false),
        ] {
            assert_eq!(is_upload(&method, path, false), expected, "{method} {path}");
        }
        assert!(!is_upload(&Method::POST, "/media-v2/assets", true), "JSON registers a file");
    }

    #[tokio::test]
    async fn upload_limit_is_separate_for_each_tenant() {
        let uploads = Uploads::new(QueueSize { running: 8, waiting: 56 });
        let held: Vec<_> = (0..64).map(|_| uploads.begin(b"t1".to_vec()).unwrap()).collect();
        let slots: Vec<_> = held.iter().filter_map(|upload| upload.slots.try_acquire().ok()).collect();
        assert_eq!(slots.len(), 8);
        uploads.running().last = Duration::from_secs(3);
        let refused = uploads.begin(b"t1".to_vec()).err().unwrap();
        assert_eq!(refused.code(), "queue_full");
        assert!(format!("{refused:?}").contains("retry_after_s: Some(25)"), "{refused:?}");
        let other = uploads.begin(b"t2".to_vec()).unwrap();
        assert!(other.slots.try_acquire().is_ok());
        drop((slots, other));
        drop(held);
        assert!(uploads.begin(b"t1".to_vec()).is_ok() && uploads.running().tenants.is_empty());
    }
}
