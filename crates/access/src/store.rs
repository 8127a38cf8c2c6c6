//! All SQL of this crate. Keys are looked up by their public part, before tenant and environment are known, and link
//! secrets belong to the installation: these statements have no owner.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// A row of `api_keys`.
#[derive(Clone, Debug)]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) secret_sha256: Vec<u8>,
    pub(crate) tenant_id: String,
    pub(crate) env: String,
    pub(crate) user_id: Option<String>,
    /// Access level.
    pub(crate) scope: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) revoked_at: Option<DateTime<Utc>>,
}

pub(crate) async fn insert_key(conn: &mut PgConnection, key: &KeyRow) -> sqlx::Result<()> {
    sqlx::query!(
        "-- access::insert_key
         INSERT INTO api_keys (id, secret_sha256, tenant_id, env, user_id, scope, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        key.id,
        key.secret_sha256,
        key.tenant_id,
        key.env,
        key.user_id,
        key.scope,
        key.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn find_key(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<KeyRow>> {
    sqlx::query_as!(
        KeyRow,
        "-- access::find_key
         SELECT id, secret_sha256, tenant_id, env, user_id, scope, created_at, revoked_at
         FROM api_keys WHERE id = $1",
        id
    )
    .fetch_optional(conn)
    .await
}

/// All keys, or those of a tenant, oldest first.
pub(crate) async fn list_keys(conn: &mut PgConnection, tenant_id: Option<&str>) -> sqlx::Result<Vec<KeyRow>> {
    sqlx::query_as!(
        KeyRow,
        "-- access::list_keys
         SELECT id, secret_sha256, tenant_id, env, user_id, scope, created_at, revoked_at
         FROM api_keys WHERE $1::text IS NULL OR tenant_id = $1
         ORDER BY tenant_id, env, created_at, id",
        tenant_id
    )
    .fetch_all(conn)
    .await
}

/// Revokes the key `id`. Returns whether it was valid until now.
pub(crate) async fn revoke_key(conn: &mut PgConnection, id: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let revoked = sqlx::query!(
        "-- access::revoke_key
         UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(revoked.rows_affected() > 0)
}

/// The two newest secrets, newest first.
pub(crate) async fn link_secrets(conn: &mut PgConnection) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!(
        "-- access::link_secrets
         SELECT secret FROM link_secrets ORDER BY created_at DESC, id DESC LIMIT 2"
    )
    .fetch_all(conn)
    .await
}

/// Adds a secret, and deletes all but the one before it.
pub(crate) async fn add_link_secret(
    conn: &mut PgConnection,
    id: &str,
    secret: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- access::add_link_secret
         WITH previous AS (SELECT id FROM link_secrets ORDER BY created_at DESC, id DESC LIMIT 1),
              removed AS (DELETE FROM link_secrets WHERE id NOT IN (SELECT id FROM previous))
         INSERT INTO link_secrets (id, secret, created_at) VALUES ($1, $2, $3)",
        id,
        secret,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
