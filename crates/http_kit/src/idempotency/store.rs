//! Idempotency keys in the database. Instants are the database's.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use primitives::{Id, Scope};
use sqlx::PgPool;

use super::Fingerprints;
use super::claim::Claim;

/// Row of an idempotency key.
pub(super) struct Stored {
    pub(super) fingerprint: Vec<u8>,
    /// `None` in rows of version 0.1.0.
    pub(super) canonical_fingerprint: Option<Vec<u8>>,
    /// `None` while the call runs.
    pub(super) status: Option<i16>,
    pub(super) content_type: Option<String>,
    pub(super) location: Option<String>,
    pub(super) body: Option<Vec<u8>>,
}

/// Deletes expired answers (a day old), claims whose lease ended without renewal, and seeds; at most 100 rows of each
/// table.
pub(super) async fn forget_old(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query!(
        "-- http_kit::idempotency::forget_old
         DELETE FROM idempotency_keys WHERE ctid IN (
             SELECT ctid FROM idempotency_keys WHERE expires_at < now() ORDER BY expires_at LIMIT 100
             FOR UPDATE SKIP LOCKED)"
    )
    .execute(pool)
    .await?;
    sqlx::query!(
        "-- http_kit::idempotency::forget_old_seeds
         DELETE FROM idempotency_seeds WHERE ctid IN (
             SELECT ctid FROM idempotency_seeds WHERE expires_at < now() ORDER BY expires_at LIMIT 100
             FOR UPDATE SKIP LOCKED)"
    )
    .execute(pool)
    .await
    .map(drop)
}

/// The seed of a call under a key: the stored one of the same call within a day, else a new one.
pub(super) async fn seed(claim: &Claim, fingerprint: &[u8]) -> sqlx::Result<String> {
    let fresh = Id::generate("seed");
    sqlx::query_scalar!(
        "-- http_kit::idempotency::seed
         INSERT INTO idempotency_seeds AS kept (tenant_id, env, key, fingerprint, seed, expires_at)
         VALUES ($1, $2, $3, $4, $5, now() + interval '1 day')
         ON CONFLICT (tenant_id, env, key) DO UPDATE
         SET seed = CASE WHEN kept.fingerprint = excluded.fingerprint AND kept.expires_at >= now()
                    THEN kept.seed ELSE excluded.seed END,
             fingerprint = excluded.fingerprint, expires_at = excluded.expires_at
         RETURNING seed",
        claim.scope.tenant_id.as_str(),
        claim.scope.env.as_str(),
        claim.key.as_str(),
        fingerprint,
        fresh.as_str(),
    )
    .fetch_one(&claim.pool)
    .await
}

/// The seed of a call that still runs under a key.
pub(super) async fn find_seed(
    pool: &PgPool,
    scope: &Scope,
    key: &Id,
    fingerprint: &[u8],
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "-- http_kit::idempotency::find_seed
         SELECT seed FROM idempotency_seeds
         WHERE tenant_id = $1 AND env = $2 AND key = $3 AND fingerprint = $4 AND expires_at >= now()",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        key.as_str(),
        fingerprint,
    )
    .fetch_optional(pool)
    .await
}

/// Takes the key if it is free, or if its claim or answer has expired and is not deleted yet.
pub(super) async fn take(claim: &Claim, fingerprints: Fingerprints, lease: Duration) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        "-- http_kit::idempotency::take
         INSERT INTO idempotency_keys AS kept
             (tenant_id, env, key, claim, fingerprint, canonical_fingerprint, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
         ON CONFLICT (tenant_id, env, key) DO UPDATE
         SET claim = excluded.claim, fingerprint = excluded.fingerprint,
             canonical_fingerprint = excluded.canonical_fingerprint, expires_at = excluded.expires_at,
             status = NULL, content_type = NULL, location = NULL, body = NULL
         WHERE kept.expires_at < now()",
        claim.scope.tenant_id.as_str(),
        claim.scope.env.as_str(),
        claim.key.as_str(),
        claim.id.as_str(),
        &fingerprints.raw,
        &fingerprints.bound_to(&fingerprints.raw),
        lease.as_secs_f64(),
    )
    .execute(&claim.pool)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Prolongs the lease of a claim; `false` when another claim holds the key.
pub(super) async fn renew(claim: &Claim, lease: Duration) -> sqlx::Result<bool> {
    let renewed = sqlx::query!(
        "-- http_kit::idempotency::renew
         UPDATE idempotency_keys SET expires_at = now() + make_interval(secs => $5)
         WHERE tenant_id = $1 AND env = $2 AND key = $3 AND claim = $4",
        claim.scope.tenant_id.as_str(),
        claim.scope.env.as_str(),
        claim.key.as_str(),
        claim.id.as_str(),
        lease.as_secs_f64(),
    )
    .execute(&claim.pool)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

pub(super) async fn find(pool: &PgPool, scope: &Scope, key: &Id) -> sqlx::Result<Option<Stored>> {
    sqlx::query_as!(
        Stored,
        "-- http_kit::idempotency::find
         SELECT fingerprint, canonical_fingerprint, status, content_type, location, body FROM idempotency_keys
         WHERE tenant_id = $1 AND env = $2 AND key = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        key.as_str(),
    )
    .fetch_optional(pool)
    .await
}

/// Stores the answer of a claim, and deletes its seed. Changes nothing if another claim has taken the key over: the
/// seed then belongs to that call.
pub(super) async fn keep(
    claim: &Claim,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> sqlx::Result<()> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    sqlx::query!(
        "-- http_kit::idempotency::keep
         WITH kept AS (
             UPDATE idempotency_keys
             SET claim = NULL, status = $5, content_type = $6, location = $7, body = $8,
                 expires_at = now() + interval '1 day'
             WHERE tenant_id = $1 AND env = $2 AND key = $3 AND claim = $4
             RETURNING tenant_id, env, key)
         DELETE FROM idempotency_seeds s USING kept
         WHERE s.tenant_id = kept.tenant_id AND s.env = kept.env AND s.key = kept.key",
        claim.scope.tenant_id.as_str(),
        claim.scope.env.as_str(),
        claim.key.as_str(),
        claim.id.as_str(),
        i16::try_from(status.as_u16()).unwrap_or(200),
        header(header::CONTENT_TYPE),
        header(header::LOCATION),
        body,
    )
    .execute(&claim.pool)
    .await
    .map(drop)
}

/// Releases the key of a claim.
pub(super) async fn release(pool: &PgPool, scope: &Scope, key: &Id, claim: &Id) -> sqlx::Result<()> {
    sqlx::query!(
        "-- http_kit::idempotency::release
         DELETE FROM idempotency_keys WHERE tenant_id = $1 AND env = $2 AND key = $3 AND claim = $4",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        key.as_str(),
        claim.as_str(),
    )
    .execute(pool)
    .await
    .map(drop)
}
