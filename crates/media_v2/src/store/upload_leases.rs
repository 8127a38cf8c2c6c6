//! The leases of resumable uploads, and the sweep of those that no request writes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use sqlx::PgConnection;

use crate::MediaError;

/// Marks the upload as contended, for its writer, which another request waits for; false if there is no writer.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn contend_upload(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
) -> Result<bool, MediaError> {
    let updated = sqlx::query!(
        "-- media_v2::contend_upload
         UPDATE resumable_uploads SET is_contended = true
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND writer IS NOT NULL",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    );
    Ok(updated.execute(conn).await?.rows_affected() > 0)
}

/// Renews the lease of the writer; returns whether another request waits, or `None` if the lease is lost.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn renew_upload(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    writer: &Id,
    lease: Duration,
) -> Result<Option<bool>, MediaError> {
    let renewed = sqlx::query_scalar!(
        "-- media_v2::renew_upload
         UPDATE resumable_uploads SET writer_until = now() + make_interval(secs => $5)
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND writer = $4
         RETURNING is_contended",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        writer.as_str(),
        lease.as_secs_f64(),
    );
    Ok(renewed.fetch_optional(conn).await?)
}

/// Ends the lease of the writer.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn release_upload(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    writer: &Id,
) -> Result<(), MediaError> {
    sqlx::query!(
        "-- media_v2::release_upload
         UPDATE resumable_uploads SET writer = NULL, writer_until = NULL
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND writer = $4",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        writer.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An upload that has expired or is to be finished, and its place in the order of the sweep.
#[derive(Debug)]
pub(crate) struct SweptUpload {
    pub(crate) scope: Scope,
    pub(crate) id: Id,
    expires_at: DateTime<Utc>,
}

/// Up to `limit` uploads of all owners without a writer that have expired at `now`, or have all bytes and no asset; those
/// that follow `after` in the order of expiry.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn uploads_to_sweep(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    after: Option<&SweptUpload>,
    limit: i64,
) -> Result<Vec<SweptUpload>, MediaError> {
    let found = sqlx::query!(
        r#"-- media_v2::uploads_to_sweep
        SELECT tenant_id AS "tenant_id: Id", env AS "env: Id", id AS "id: Id", expires_at FROM resumable_uploads
        WHERE state = 'receiving' AND (expires_at <= $1 OR offset_bytes = length_bytes)
          AND (writer IS NULL OR writer_until < now())
          AND ($2::timestamptz IS NULL OR (expires_at, tenant_id, env, id) > ($2, $3, $4, $5))
        ORDER BY expires_at, tenant_id, env, id LIMIT $6"#,
        now,
        after.map(|after| after.expires_at),
        after.map_or("", |after| after.scope.tenant_id.as_str()),
        after.map_or("", |after| after.scope.env.as_str()),
        after.map_or("", |after| after.id.as_str()),
        limit,
    );
    let found = found.fetch_all(conn).await?.into_iter();
    Ok(found
        .map(|row| SweptUpload {
            scope: Scope { tenant_id: row.tenant_id, env: row.env },
            id: row.id,
            expires_at: row.expires_at,
        })
        .collect())
}

/// Up to `limit` uploads of a tenant, or of one of its environments, in any state.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn uploads_of_owner(
    conn: &mut PgConnection,
    tenant_id: &Id,
    env: Option<&Id>,
    limit: i64,
) -> Result<Vec<(Scope, Id)>, MediaError> {
    let found = sqlx::query!(
        r#"-- media_v2::uploads_of_owner
        SELECT tenant_id AS "tenant_id: Id", env AS "env: Id", id AS "id: Id" FROM resumable_uploads
        WHERE tenant_id = $1 AND ($2::text IS NULL OR env = $2)
        ORDER BY env, id LIMIT $3"#,
        tenant_id.as_str(),
        env.map(Id::as_str),
        limit,
    );
    let found = found.fetch_all(conn).await?.into_iter();
    Ok(found.map(|row| (Scope { tenant_id: row.tenant_id, env: row.env }, row.id)).collect())
}

/// Deletes the records of all owners: of finished uploads that expired before `finished_before`, and of discarded ones
/// that expired before `discarded_before`.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn delete_old_uploads(
    conn: &mut PgConnection,
    finished_before: DateTime<Utc>,
    discarded_before: DateTime<Utc>,
) -> Result<(), MediaError> {
    sqlx::query!(
        "-- media_v2::delete_old_uploads
         DELETE FROM resumable_uploads
         WHERE (state = 'finished' AND expires_at <= $1) OR (state = 'discarded' AND expires_at <= $2)",
        finished_before,
        discarded_before,
    )
    .execute(conn)
    .await?;
    Ok(())
}
