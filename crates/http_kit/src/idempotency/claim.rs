//! The right to run a call under a key: acquired, held while the call runs, and given back.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderValue, StatusCode, header};
use primitives::{Id, Scope, WriteSeed};
use sqlx::PgPool;

use super::store::{self, Stored};
use super::{Fingerprints, Unstored};
use crate::Problem;
use crate::body::BufferedAnswer;
use crate::codes::{IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_MISMATCH};

/// Maximum size of a stored answer, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// How to proceed with a call that carries a key.
pub(super) enum Begin {
    /// The first call with this key: run it.
    Run(Claim),
    /// Already done: this is the stored answer.
    Replay(Response),
}

/// The exclusive right to run a call under a key.
pub(super) struct Claim {
    pub(super) pool: PgPool,
    pub(super) scope: Scope,
    pub(super) key: Id,
    /// Distinguishes this claim from the one that takes over when its lease expires.
    pub(super) id: Id,
    /// Seed of the ids that the call creates.
    seed: Option<WriteSeed>,
    is_held: bool,
}

impl Claim {
    /// A claim that does not hold the key yet.
    pub(super) fn new(pool: PgPool, scope: Scope, key: Id) -> Self {
        Self { pool, scope, key, id: Id::generate("claim"), seed: None, is_held: false }
    }

    /// Acquires the key for a call, or finds the answer of an earlier one.
    pub(super) async fn begin(
        mut self,
        fingerprints: Fingerprints,
        lease: Duration,
    ) -> Result<Begin, Problem> {
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
    pub(super) async fn run(
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
