//! `Idempotency-Key`: a write that is sent twice happens once.
//!
//! The first call with a key runs and its answer is kept; the same call again gets that answer,
//! another body under the same key is 422 `idempotency_mismatch`. Only answers of 2xx are kept: what
//! failed wrote nothing, and a retry runs. A call still running answers 409 `idempotency_in_progress`.
//!
//! JSON calls are covered by [`layer`]. A multipart upload cannot be compared byte by byte (its
//! boundary is random), so its handler calls [`begin`] with a fingerprint of the content.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::{Id, Problem, RequestContext, Scope};

/// The header.
pub const HEADER: &str = "idempotency-key";
/// The largest body compared and the largest answer kept, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// What to do with a call that carries a key.
#[derive(Debug)]
pub enum Begin {
    /// Nobody did this yet: run it, then [`Claim::complete`].
    Run(Claim),
    /// It was done: this is the answer.
    Replay(Response),
}

/// The right to run a call under a key. Dropped without [`Claim::complete`], it is given back.
#[derive(Debug)]
pub struct Claim {
    pool: PgPool,
    scope: Scope,
    key: Id,
    fingerprint: [u8; 32],
    released: bool,
}

/// Reads the header.
///
/// # Errors
/// 422 `invalid_idempotency_key` when it is no [`Id`].
pub fn key_of(headers: &HeaderMap) -> Result<Option<Id>, Problem> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| text.parse().ok());
    key.map(Some).ok_or_else(|| {
        Problem::unprocessable("invalid_idempotency_key", format!("Idempotency-Key: {}", crate::InvalidId))
            .field("Idempotency-Key", crate::InvalidId.to_string())
    })
}

/// Claims `key` for a call with this `fingerprint` (SHA-256 of what makes it that call), or finds
/// its answer.
///
/// # Errors
/// 422 `idempotency_mismatch`, 409 `idempotency_in_progress`, or the database's.
pub async fn begin(pool: &PgPool, scope: &Scope, key: Id, fingerprint: [u8; 32]) -> Result<Begin, Problem> {
    forget_old(pool).await?;
    if claim(pool, scope, &key, &fingerprint).await? {
        return Ok(Begin::Run(Claim {
            pool: pool.clone(),
            scope: scope.clone(),
            key,
            fingerprint,
            released: false,
        }));
    }
    let Some(mut stored) = find(pool, scope, &key).await? else {
        return Err(in_progress()); // Released between the two statements: let the caller retry.
    };
    if stored.fingerprint != fingerprint {
        return Err(Problem::unprocessable(
            "idempotency_mismatch",
            "this Idempotency-Key was used for another request; use a new key",
        ));
    }
    match (stored.status, stored.body.take()) {
        (Some(status), Some(body)) => Ok(Begin::Replay(replay(status, stored, body))),
        _ => Err(in_progress()),
    }
}

/// Runs JSON `POST`s that carry a key once. Mount it inside [`crate::boundary::layer`].
pub async fn layer(State(pool): State<PgPool>, request: Request, next: Next) -> Response {
    run(pool, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn run(pool: PgPool, request: Request, next: Next) -> Result<Response, Problem> {
    // Exactly what the handlers take for JSON.
    let is_json = crate::extract::require_json(request.headers()).is_ok();
    if request.method() != Method::POST || !is_json {
        return Ok(next.run(request).await);
    }
    let Some(key) = key_of(request.headers())? else { return Ok(next.run(request).await) };

    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BYTES).await.map_err(|_| crate::extract::body_too_large())?;
    let context = context_of(&parts.headers, &body)?;
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let fingerprint = Sha256::new()
        .chain_update(target)
        .chain_update([0])
        .chain_update(context.user_or_anonymous())
        .chain_update([0])
        .chain_update(&body)
        .finalize();
    match begin(&pool, &context.scope, key, fingerprint.into()).await? {
        Begin::Replay(response) => Ok(response),
        Begin::Run(claim) => {
            let response = next.run(Request::from_parts(parts, Body::from(body))).await;
            claim.complete(response).await
        }
    }
}

/// The context is needed before the handler reads the body.
fn context_of(headers: &HeaderMap, body: &[u8]) -> Result<RequestContext, Problem> {
    #[derive(Default, serde::Deserialize)]
    struct Fields {
        tenant_id: Option<String>,
        env: Option<String>,
        user_id: Option<String>,
    }
    // A body that does not parse is the handler's to refuse; the headers may still suffice.
    let fields: Fields = serde_json::from_slice(body).unwrap_or_default();
    let fields = [fields.tenant_id.as_deref(), fields.env.as_deref(), fields.user_id.as_deref()];
    RequestContext::resolve(headers, fields, "")
}

impl Claim {
    /// Keeps `response` as the answer to this key if it is a success, and hands it on. An answer of more than 64 MiB is
    /// handed on and not kept: what was done is done, and the key is free again.
    ///
    /// # Errors
    /// The database's, or 500 when the answer breaks off.
    pub async fn complete(mut self, response: Response) -> Result<Response, Problem> {
        if !response.status().is_success() {
            self.release().await?;
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let mut pieces = body.into_data_stream();
        let mut kept = BytesMut::new();
        while let Some(piece) = pieces.try_next().await.map_err(Problem::internal)? {
            kept.extend_from_slice(&piece);
            if kept.len() > MAX_BYTES {
                self.release().await?;
                let whole = stream::once(async { Ok(kept.freeze()) }).chain(pieces);
                return Ok(Response::from_parts(parts, Body::from_stream(whole)));
            }
        }
        self.store(parts.status, &parts.headers, &kept).await?;
        self.released = true;
        Ok(Response::from_parts(parts, Body::from(kept.freeze())))
    }

    /// Not over the row of another call, should this one have outlived its claim.
    async fn store(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> sqlx::Result<()> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        sqlx::query!(
            "-- http_kit::idempotency::store
             UPDATE idempotency_keys
             SET status = $4, content_type = $5, location = $6, body = $7, expires_at = now() + interval '1 day'
             WHERE tenant_id = $1 AND env = $2 AND key = $3 AND fingerprint = $8 AND status IS NULL",
            self.scope.tenant_id.as_str(),
            self.scope.env.as_str(),
            self.key.as_str(),
            i16::try_from(status.as_u16()).unwrap_or(200),
            header(header::CONTENT_TYPE),
            header(header::LOCATION),
            body,
            &self.fingerprint,
        )
        .execute(&self.pool)
        .await
        .map(drop)
    }

    async fn release(&mut self) -> Result<(), Problem> {
        self.released = true;
        Ok(release(&self.pool, &self.scope, &self.key).await?)
    }
}

/// A call that was cancelled or panicked gives its key back.
impl Drop for Claim {
    fn drop(&mut self) {
        if self.released {
            return;
        }
        let (pool, scope, key) = (self.pool.clone(), self.scope.clone(), self.key.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = release(&pool, &scope, &key).await {
                    tracing::warn!(%error, %key, "could not give an idempotency key back; it expires by itself");
                }
            });
        }
    }
}

fn in_progress() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "idempotency_in_progress",
        "the first request with this Idempotency-Key is still running; ask again",
    )
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

struct Stored {
    fingerprint: Vec<u8>,
    status: Option<i16>,
    content_type: Option<String>,
    location: Option<String>,
    body: Option<Vec<u8>>,
}

/// Answers are kept for a day; a claim whose process died is free again after two
/// hours, which no call outlives.
async fn forget_old(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query!(
        "-- http_kit::idempotency::forget_old
         DELETE FROM idempotency_keys WHERE ctid IN (
             SELECT ctid FROM idempotency_keys WHERE expires_at < now() ORDER BY expires_at LIMIT 100
             FOR UPDATE SKIP LOCKED)"
    )
    .execute(pool)
    .await
    .map(drop)
}

async fn claim(pool: &PgPool, scope: &Scope, key: &Id, fingerprint: &[u8]) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "-- http_kit::idempotency::claim
         INSERT INTO idempotency_keys (tenant_id, env, key, fingerprint, expires_at)
         VALUES ($1, $2, $3, $4, now() + interval '2 hours') ON CONFLICT DO NOTHING",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        key.as_str(),
        fingerprint,
    )
    .execute(pool)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn find(pool: &PgPool, scope: &Scope, key: &Id) -> sqlx::Result<Option<Stored>> {
    sqlx::query_as!(
        Stored,
        "-- http_kit::idempotency::find
         SELECT fingerprint, status, content_type, location, body FROM idempotency_keys
         WHERE tenant_id = $1 AND env = $2 AND key = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        key.as_str(),
    )
    .fetch_optional(pool)
    .await
}

async fn release(pool: &PgPool, scope: &Scope, key: &Id) -> sqlx::Result<()> {
    sqlx::query!(
        "-- http_kit::idempotency::release
         DELETE FROM idempotency_keys WHERE tenant_id = $1 AND env = $2 AND key = $3 AND status IS NULL",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        key.as_str(),
    )
    .execute(pool)
    .await
    .map(drop)
}
