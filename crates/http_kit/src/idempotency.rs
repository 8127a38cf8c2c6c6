//! `Idempotency-Key`: a write that is sent twice happens once.
//!
//! The first call with a key runs and its answer is kept; the same call again gets that answer,
//! another body under the same key is 422 `idempotency_mismatch`. Only answers of 2xx are kept: what
//! failed wrote nothing, and a retry runs. Answers marked [`Unstored`] are not kept, either. A call still running answers
//! 409 `idempotency_in_progress`, with the `Location` of its job if it runs as one ([`RunningCalls`]).
//!
//! A call with a key runs to its end even if its caller disconnects: the caller asks again with the key and gets
//! the answer. The key is held by a lease that is renewed while the call runs, so that after a crash it is free in a
//! minute. The ids of what a call creates are derived from a [`WriteSeed`], which is stored with the key: a call that
//! crashed after its commit, sent again, finds what it created.
//!
//! JSON calls are covered by [`layer`]. A multipart upload cannot be compared byte by byte (its
//! boundary is random), so its handler calls [`Keys::once`] with a fingerprint of the content.

mod claim;
mod store;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use http::{Extensions, HeaderMap, Method, header};
use primitives::{Id, Scope, WriteSeed};
use scheduling::tenancy;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use self::claim::{Begin, Claim};
use self::store::Stored;
use crate::body::BufferedBody;
use crate::codes::{IDEMPOTENCY_IN_PROGRESS, INVALID_IDEMPOTENCY_KEY};
use crate::{JsonLimit, Problem, RequestContext, json_digest};

/// Name of the header.
pub const HEADER: &str = "idempotency-key";
/// Default lease of a key: it expires after this time without renewal.
const LEASE: Duration = Duration::from_secs(60);

/// Extension of an answer that is not stored, because its call writes nothing: the key is released, and the call, sent
/// again, runs again.
#[derive(Clone, Copy, Debug)]
pub struct Unstored;

/// Knows where calls that still run can be followed.
pub trait RunningCalls: std::fmt::Debug + Send + Sync {
    /// Path of the resource of a call to `path` whose ids are derived from `seed`; `None` if it has none.
    fn location<'a>(
        &'a self,
        scope: &'a Scope,
        path: &'a str,
        seed: WriteSeed,
    ) -> BoxFuture<'a, Option<String>>;
}

/// Runs calls under their keys, and tracks which still run. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keys {
    pool: PgPool,
    lease: Duration,
    running: TaskTracker,
    locations: Option<Arc<dyn RunningCalls>>,
}

impl Keys {
    /// Stores keys in the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, lease: LEASE, running: TaskTracker::new(), locations: None }
    }

    /// Sets where running calls are followed; by default nowhere.
    #[must_use]
    pub fn with_locations(self, locations: Arc<dyn RunningCalls>) -> Self {
        Self { locations: Some(locations), ..self }
    }

    /// Sets the lease of keys (default: 60 s); it is renewed every third of it.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// The keys that [`layer`] put into a request's extensions.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Runs `call` under `key`, or finds its answer. `fingerprint` is the SHA-256 of what identifies the call. Once
    /// started, `call` continues even if the returned future is dropped.
    ///
    /// # Errors
    /// 422 `idempotency_mismatch`, 409 `idempotency_in_progress`, 500 when `call` panics, or the database's.
    pub async fn once(
        &self,
        scope: &Scope,
        key: Id,
        fingerprint: [u8; 32],
        call: impl Future<Output = Response> + Send + 'static,
    ) -> Result<Response, Problem> {
        self.once_of(scope, key, Fingerprints { raw: fingerprint, canonical: fingerprint }, call).await
    }

    async fn once_of(
        &self,
        scope: &Scope,
        key: Id,
        fingerprints: Fingerprints,
        call: impl Future<Output = Response> + Send + 'static,
    ) -> Result<Response, Problem> {
        let lease = self.lease;
        let claim = Claim::new(self.pool.clone(), scope.clone(), key);
        let running = async move {
            match claim.begin(fingerprints, lease).await? {
                Begin::Replay(response) => Ok(response),
                Begin::Run(claim) => claim.run(call, lease).await,
            }
        };
        let task = self.running.spawn(tenancy::carry(running).in_current_span());
        task.await.unwrap_or_else(|broken| Err(Problem::internal(broken)))
    }

    /// Adds the location of the running call of `key` to the problem that refuses the same call.
    async fn located(
        &self,
        problem: Problem,
        scope: &Scope,
        path: &str,
        key: &Id,
        fingerprints: Fingerprints,
    ) -> Problem {
        let Some(locations) = &self.locations else { return problem };
        let seed = store::find_seed(&self.pool, scope, key, &fingerprints.canonical).await;
        let location = match seed {
            Ok(Some(seed)) => locations.location(scope, path, WriteSeed::new(&seed)).await,
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, %key, "the seed of a running call cannot be read; its location is left out");
                None
            }
        };
        match location {
            Some(location) => problem.located_at(location),
            None => problem,
        }
    }

    /// Waits until no call runs; for shutdown, when no more calls come.
    pub async fn finished(&self) {
        self.running.close();
        self.running.wait().await;
    }
}

/// Parses the header.
///
/// # Errors
/// 422 `invalid_idempotency_key` when it is not an [`Id`], or is repeated.
pub fn key_of(headers: &HeaderMap) -> Result<Option<Id>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|_| values.next().is_none());
    key.map(Some).ok_or_else(|| {
        Problem::new(INVALID_IDEMPOTENCY_KEY, format!("Idempotency-Key: {}", primitives::InvalidId))
            .field("Idempotency-Key", primitives::InvalidId.to_string())
    })
}

/// Runs JSON `POST`s that carry a key once. Mount it inside [`crate::boundary::layer`].
pub async fn layer(State(keys): State<Keys>, request: Request, next: Next) -> Response {
    run(keys, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn run(keys: Keys, mut request: Request, next: Next) -> Result<Response, Problem> {
    // The same media types that the handlers accept as JSON.
    let is_json = crate::extract::require_json(request.headers()).is_ok();
    if request.method() != Method::POST || !is_json {
        request.extensions_mut().insert(keys);
        return Ok(next.run(request).await);
    }
    let Some(key) = key_of(request.headers())? else { return Ok(next.run(request).await) };

    let (mut parts, body) = request.into_parts();
    let limit = JsonLimit::of(&parts.extensions);
    let mut unread = Request::new(body);
    unread
        .headers_mut()
        .extend(parts.headers.get(header::CONTENT_LENGTH).map(|n| (header::CONTENT_LENGTH, n.clone())));
    let body = BufferedBody::read_limited(unread, limit).await?;
    let (context, digest) = body
        .clone()
        .run({
            let headers = parts.headers.clone();
            move |bytes| {
                let context = RequestContext::of_body(&headers, bytes, "")?;
                Ok::<_, Problem>((context, json_digest(bytes)))
            }
        })
        .await??;
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let call = Sha256::new()
        .chain_update(target)
        .chain_update([0])
        .chain_update(context.user_or_anonymous())
        .chain_update([0]);
    let path = parts.uri.path().to_owned();
    let bytes = body.into_request(&mut parts.extensions);
    let raw = call.clone().chain_update(&bytes).finalize().into();
    // A body that is not JSON is left for the handler to refuse; no answer is stored then.
    let canonical = digest.map_or(raw, |digest| call.chain_update(digest).finalize().into());
    let request = Request::from_parts(parts, Body::from(bytes));
    let fingerprints = Fingerprints { raw, canonical };
    let answer = keys.once_of(&context.scope, key.clone(), fingerprints, next.run(request)).await;
    match answer {
        Err(problem) if problem.code() == IDEMPOTENCY_IN_PROGRESS.code() => {
            Err(keys.located(problem, &context.scope, &path, &key, fingerprints).await)
        }
        answer => answer,
    }
}

/// Fingerprints that identify a call.
#[derive(Clone, Copy, Debug)]
struct Fingerprints {
    /// Fingerprint of the bytes of the body, as version 0.1.0 compares them.
    raw: [u8; 32],
    /// Fingerprint of the content of the body ([`json_digest()`]).
    canonical: [u8; 32],
}

impl Fingerprints {
    /// Binds the canonical fingerprint to a raw one, so that it has no meaning beside another.
    fn bound_to(&self, raw: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(raw).chain_update(self.canonical).finalize().into()
    }

    fn are_of(&self, stored: &Stored) -> bool {
        let is_same =
            || stored.canonical_fingerprint.as_deref() == Some(&self.bound_to(&stored.fingerprint)[..]);
        stored.fingerprint == self.raw || is_same()
    }
}
