//! Limit of concurrent uploads of a tenant: a number of them run, more wait, and further ones are refused. Each takes a
//! connection, a file, and a part of the processors and of the disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_kit::Problem;
use http_kit::codes::QUEUE_FULL;
use tokio::sync::Semaphore;

/// Maximum number of concurrent uploads of a tenant.
const AT_ONCE: usize = 8;
/// Maximum number of running and waiting uploads of a tenant; the bodies of waiting ones are not read yet.
const MOST: usize = 64;
const PATH: &str = "/media-v2/assets";
/// Maximum of `Retry-After`, in seconds.
const LONGEST_WAIT_S: u64 = 300;

/// Uploads of all tenants. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uploads(Arc<Mutex<Running>>);

#[derive(Debug, Default)]
struct Running {
    /// By the value of the tenant header; only tenants with an upload have an entry. Callers that send their tenant in
    /// the form are counted together, under the empty value.
    shares: HashMap<Vec<u8>, Share>,
    /// Duration of the last upload, without its wait.
    last: Duration,
}

#[derive(Debug)]
struct Share {
    count: usize,
    turns: Arc<Semaphore>,
}

/// An upload that runs or waits.
struct Upload {
    uploads: Uploads,
    tenant: Vec<u8>,
    turns: Arc<Semaphore>,
}

/// Middleware that limits the uploads of each tenant. Mount it inside of the layer that authenticates callers.
pub(crate) async fn layer(State(uploads): State<Uploads>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || request.uri().path() != PATH {
        return next.run(request).await;
    }
    let tenant = request.headers().get("x-tenant-id").map_or(&b""[..], |tenant| tenant.as_bytes()).to_vec();
    let upload = match uploads.begin(tenant) {
        Ok(upload) => upload,
        Err(problem) => return problem.into_response(),
    };
    // The semaphore is never closed; if it were, the limit of `MOST` would still hold.
    let _turn = upload.turns.acquire().await.ok();
    let began = Instant::now();
    let response = next.run(request).await;
    uploads.running().last = began.elapsed();
    response
}

impl Uploads {
    fn begin(&self, tenant: Vec<u8>) -> Result<Upload, Problem> {
        let mut running = self.running();
        let last = running.last;
        let share = running
            .shares
            .entry(tenant.clone())
            .or_insert_with(|| Share { count: 0, turns: Arc::new(Semaphore::new(AT_ONCE)) });
        if share.count >= MOST {
            let rounds = u64::try_from(MOST / AT_ONCE).unwrap_or(1);
            let wait_s = (last.as_secs() * rounds + 1).min(LONGEST_WAIT_S);
            let detail = format!(
                "{MOST} uploads of this tenant are running or waiting already; send this one again later"
            );
            return Err(Problem::new(QUEUE_FULL, detail).retry_after(u32::try_from(wait_s).unwrap_or(1)));
        }
        share.count += 1;
        Ok(Upload { uploads: self.clone(), tenant, turns: share.turns.clone() })
    }

    /// The lock is never poisoned: nothing panics while it is held.
    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut running = self.uploads.running();
        if let Some(share) = running.shares.get_mut(&self.tenant) {
            share.count -= 1;
            if share.count == 0 {
                running.shares.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn upload_limit_is_separate_for_each_tenant() {
        let uploads = Uploads::default();
        let held: Vec<_> = (0..MOST).map(|_| uploads.begin(b"t1".to_vec()).unwrap()).collect();
        let turns: Vec<_> = held.iter().filter_map(|upload| upload.turns.try_acquire().ok()).collect();
        assert_eq!(turns.len(), AT_ONCE);
        uploads.running().last = Duration::from_secs(3);
        let refused = uploads.begin(b"t1".to_vec()).err().unwrap();
        assert_eq!(refused.code(), "queue_full");
        assert!(format!("{refused:?}").contains("retry_after_s: Some(25)"), "{refused:?}");
        let other = uploads.begin(b"t2".to_vec()).unwrap();
        assert!(other.turns.try_acquire().is_ok());
        drop((turns, other));
        drop(held);
        assert!(uploads.begin(b"t1".to_vec()).is_ok() && uploads.running().shares.is_empty());
    }
}
