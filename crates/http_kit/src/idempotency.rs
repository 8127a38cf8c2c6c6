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

mod store;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use primitives::{Id, Scope, WriteSeed};
use scheduling::tenancy;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use self::store::Stored;
use crate::body::{BufferedAnswer, BufferedBody};
use crate::codes::{IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_MISMATCH, INVALID_IDEMPOTENCY_KEY};
use crate::{JsonLimit, Problem, RequestContext, json_digest};

/// Name of the header.
pub const HEADER: &str = "idempotency-key";
/// Maximum size of a stored answer, in bytes.
const MAX_BYTES: usize = 64 << 20;
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
        let claim = Claim {
            pool: self.pool.clone(),
            scope: scope.clone(),
            key,
            id: Id::generate("claim"),
            seed: None,
            is_held: false,
        };
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

/// How to proceed with a call that carries a key.
enum Begin {
    /// The first call with this key: run it.
    Run(Claim),
    /// Already done: this is the stored answer.
    Replay(Response),
}

/// The exclusive right to run a call under a key.
struct Claim {
    pool: PgPool,
    scope: Scope,
    key: Id,
    /// Distinguishes this claim from the one that takes over when its lease expires.
    id: Id,
    /// Seed of the ids that the call creates.
    seed: Option<WriteSeed>,
    is_held: bool,
}

impl Claim {
    async fn begin(mut self, fingerprints: Fingerprints, lease: Duration) -> Result<Begin, Problem> {
        store::forget_old(&self.pool).await?;
        if store::take(&self, fingerprints, lease).await? {
            self.is_held = true;
            self.seed = Some(WriteSeed::new(&store::seed(&self, &fingerprints.canonical).await?));
            return Ok(Begin::Run(self));
        }
        let Some(mut stored) = store::find(&self.pool, &self.scope, &self.key).await? else {
            return Err(in_progress()); // Released between the two statements: let the caller retry.
        };
        if !fingerprints.are_of(&stored) {
            return Err(Problem::new(
                IDEMPOTENCY_MISMATCH,
                "this Idempotency-Key was used for another request; use a new key",
            ));
        }
        match (stored.status, stored.body.take()) {
            (Some(status), Some(body)) => Ok(Begin::Replay(replay(status, stored, body))),
            _ => Err(in_progress()),
        }
    }

    /// Holds the key until the answer of `call` is stored.
    async fn run(
        mut self,
        call: impl Future<Output = Response>,
        lease: Duration,
    ) -> Result<Response, Problem> {
        let answer = async { self.complete(WriteSeed::scope(self.seed.clone(), call).await).await };
        let completed = tokio::select! {
            completed = answer => completed,
            never = self.renew(lease) => match never {},
        };
        // After an error, dropping the claim releases the key.
        self.is_held = completed.is_err();
        completed
    }

    /// Renews the lease while it is polled.
    async fn renew(&self, lease: Duration) -> Infallible {
        loop {
            tokio::time::sleep(lease / 3).await;
            let key = &self.key;
            match store::renew(self, lease).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(%key, "an idempotency key was lost to another call: this write may happen twice");
                    return std::future::pending().await;
                }
                Err(error) => tracing::warn!(%error, %key, "could not renew the lease of an idempotency key"),
            }
        }
    }

    /// Stores `response` as the answer to this key if it is a success, and returns it. An answer that is [`Unstored`], of
    /// more than 64 MiB, or for which no memory is left, is returned and not stored; the key is released.
    async fn complete(&self, response: Response) -> Result<Response, Problem> {
        if !response.status().is_success() || response.extensions().get::<Unstored>().is_some() {
            self.release().await?;
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let mut pieces = body.into_data_stream();
        let mut kept = BufferedAnswer::default();
        while let Some(piece) = pieces.try_next().await.map_err(Problem::internal)? {
            if !kept.push(&piece, MAX_BYTES).await {
                tracing::info!(key = %self.key, "an answer is too large to be stored under its idempotency key");
                self.release().await?;
                let whole = stream::once(async { Ok(kept.into_bytes()) }).chain(pieces);
                return Ok(Response::from_parts(parts, Body::from_stream(whole)));
            }
        }
        let kept = kept.into_bytes();
        store::keep(self, parts.status, &parts.headers, &kept).await?;
        Ok(Response::from_parts(parts, Body::from(kept)))
    }

    async fn release(&self) -> Result<(), Problem> {
        Ok(store::release(&self.pool, &self.scope, &self.key, &self.id).await?)
    }
}

/// A call that panicked releases its key.
impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let (pool, scope) = (self.pool.clone(), self.scope.clone());
        let (key, claim) = (self.key.clone(), self.id.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = store::release(&pool, &scope, &key, &claim).await {
                    tracing::warn!(%error, %key, "could not give an idempotency key back; it expires by itself");
                }
            });
        }
    }
}

fn in_progress() -> Problem {
    Problem::new(
        IDEMPOTENCY_IN_PROGRESS,
        "the first request with this Idempotency-Key is still running; ask again",
    )
    .retry_after(1)
}

fn replay(status: i16, stored: Stored, body: Vec<u8>) -> Response {
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let mut response = (status.unwrap_or(StatusCode::OK), Bytes::from(body)).into_response();
    let headers = response.headers_mut();
    let kept = [(header::CONTENT_TYPE, stored.content_type), (header::LOCATION, stored.location)];
    for (name, value) in kept {
        if let Some(value) = value.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}
