//! Rows of resumable uploads and of their parts.

use std::time::Duration;

use blob_store::{ResumableDigest, StoredPart, UploadProgress};
use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use sqlx::PgConnection;

use super::BadRow;
use crate::MediaError;
use crate::model::{Upload, UploadState};

struct Row {
    tenant_id: Id,
    env: Id,
    id: Id,
    user_id: Option<Id>,
    asset_id: Id,
    length_bytes: i64,
    metadata: String,
    state: String,
    offset_bytes: i64,
    digest: Vec<u8>,
    multipart_id: Option<String>,
    parts: i32,
    part_bytes: i64,
    tail: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl TryFrom<Row> for Upload {
    type Error = MediaError;

    fn try_from(row: Row) -> Result<Self, MediaError> {
        let bad = |column: &'static str, value: String| BadRow {
            table: "resumable_uploads",
            id: row.id.to_string(),
            column,
            value,
        };
        let state = UploadState::parse(&row.state).ok_or_else(|| bad("state", row.state.clone()))?;
        let digest = ResumableDigest::from_bytes(&row.digest)
            .filter(|digest| digest.length_bytes() == row.offset_bytes.cast_unsigned())
            .ok_or_else(|| bad("digest", hex::encode(&row.digest)))?;
        Ok(Self {
            id: row.id,
            scope: Scope { tenant_id: row.tenant_id, env: row.env },
            user_id: row.user_id,
            asset_id: row.asset_id,
            length_bytes: row.length_bytes.cast_unsigned(),
            metadata: row.metadata,
            state,
            progress: UploadProgress {
                offset_bytes: row.offset_bytes.cast_unsigned(),
                digest,
                multipart_id: row.multipart_id,
                parts: row.parts.cast_unsigned(),
                part_bytes: row.part_bytes.cast_unsigned(),
                tail: row.tail,
            },
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

/// Inserts a new upload; does nothing if it exists.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn insert_upload(conn: &mut PgConnection, upload: &Upload) -> Result<(), MediaError> {
    sqlx::query!(
        "-- media_v2::insert_upload
         INSERT INTO resumable_uploads (tenant_id, env, id, user_id, asset_id, length_bytes, metadata, digest,
             created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (tenant_id, env, id) DO NOTHING",
        upload.scope.tenant_id.as_str(),
        upload.scope.env.as_str(),
        upload.id.as_str(),
        upload.user_id.as_ref().map(Id::as_str),
        upload.asset_id.as_str(),
        upload.length_bytes.cast_signed(),
        upload.metadata,
        upload.progress.digest.to_bytes(),
        upload.created_at,
        upload.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Number of the owner's uploads that are not finished.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn count_uploads(conn: &mut PgConnection, scope: &Scope) -> Result<i64, MediaError> {
    let count = sqlx::query_scalar!(
        r#"-- media_v2::count_uploads
        SELECT count(*) AS "count!" FROM resumable_uploads
        WHERE tenant_id = $1 AND env = $2 AND state = 'receiving'"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
    );
    Ok(count.fetch_one(conn).await?)
}

/// Finds an upload by its id.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn find_upload(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
) -> Result<Option<Upload>, MediaError> {
    let found = sqlx::query_as!(
        Row,
        r#"-- media_v2::find_upload
        SELECT tenant_id AS "tenant_id: Id", env AS "env: Id", id AS "id: Id", user_id AS "user_id: Id",
               asset_id AS "asset_id: Id", length_bytes, metadata, state, offset_bytes, digest, multipart_id, parts,
               part_bytes, tail, created_at, expires_at
        FROM resumable_uploads WHERE tenant_id = $1 AND env = $2 AND id = $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    );
    found.fetch_optional(conn).await?.map(Upload::try_from).transpose()
}

/// Makes `writer` the only writer of the upload for the time `lease`; `None` if there is no such upload, or another
/// writer.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn claim_upload(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    writer: &Id,
    lease: Duration,
) -> Result<Option<Upload>, MediaError> {
    let claimed = sqlx::query_as!(
        Row,
        r#"-- media_v2::claim_upload
        UPDATE resumable_uploads
        SET writer = $4, writer_until = now() + make_interval(secs => $5), is_contended = false
        WHERE tenant_id = $1 AND env = $2 AND id = $3 AND (writer IS NULL OR writer_until < now())
        RETURNING tenant_id AS "tenant_id: Id", env AS "env: Id", id AS "id: Id", user_id AS "user_id: Id",
                  asset_id AS "asset_id: Id", length_bytes, metadata, state, offset_bytes, digest, multipart_id, parts,
                  part_bytes, tail, created_at, expires_at"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        writer.as_str(),
        lease.as_secs_f64(),
    );
    claimed.fetch_optional(conn).await?.map(Upload::try_from).transpose()
}

/// Records the progress of `upload`, which expires at `expires_at` then; false if `writer` has lost its lease.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn save_upload(
    conn: &mut PgConnection,
    upload: &Upload,
    writer: &Id,
    progress: &UploadProgress,
    expires_at: DateTime<Utc>,
) -> Result<bool, MediaError> {
    let saved = sqlx::query!(
        "-- media_v2::save_upload
         UPDATE resumable_uploads
         SET offset_bytes = $5, digest = $6, multipart_id = $7, parts = $8, part_bytes = $9, tail = $10, expires_at = $11
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND writer = $4 AND state = 'receiving'",
        upload.scope.tenant_id.as_str(),
        upload.scope.env.as_str(),
        upload.id.as_str(),
        writer.as_str(),
        progress.offset_bytes.cast_signed(),
        progress.digest.to_bytes(),
        progress.multipart_id,
        progress.parts.cast_signed(),
        progress.part_bytes.cast_signed(),
        progress.tail,
        expires_at,
    );
    Ok(saved.execute(conn).await?.rows_affected() > 0)
}

/// Inserts parts; one with a known index replaces the earlier one, which no progress counts.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn insert_upload_parts(
    conn: &mut PgConnection,
    upload: &Upload,
    parts: &[StoredPart],
) -> Result<(), MediaError> {
    if parts.is_empty() {
        return Ok(());
    }
    let indices: Vec<i32> = parts.iter().map(|part| part.index.cast_signed()).collect();
    let contents: Vec<String> = parts.iter().map(|part| part.content_id.clone()).collect();
    sqlx::query!(
        "-- media_v2::insert_upload_parts
         INSERT INTO resumable_upload_parts (tenant_id, env, upload_id, part_index, content_id)
         SELECT $1, $2, $3, part.index, part.content_id
         FROM unnest($4::integer[], $5::text[]) AS part (index, content_id)
         ON CONFLICT (tenant_id, env, upload_id, part_index) DO UPDATE SET content_id = excluded.content_id",
        upload.scope.tenant_id.as_str(),
        upload.scope.env.as_str(),
        upload.id.as_str(),
        &indices,
        &contents,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The ids of the contents of the first `upload.progress.parts` parts, in order.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn upload_parts(
    conn: &mut PgConnection,
    upload: &Upload,
) -> Result<Vec<String>, MediaError> {
    let parts = sqlx::query_scalar!(
        "-- media_v2::upload_parts
         SELECT content_id FROM resumable_upload_parts
         WHERE tenant_id = $1 AND env = $2 AND upload_id = $3 AND part_index < $4
         ORDER BY part_index",
        upload.scope.tenant_id.as_str(),
        upload.scope.env.as_str(),
        upload.id.as_str(),
        upload.progress.parts.cast_signed(),
    );
    Ok(parts.fetch_all(conn).await?)
}

/// Marks the upload as finished, until `expires_at`; false if `writer` has lost its lease.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn finish_upload(
    conn: &mut PgConnection,
    upload: &Upload,
    writer: &Id,
    expires_at: DateTime<Utc>,
) -> Result<bool, MediaError> {
    let finished = sqlx::query!(
        "-- media_v2::finish_upload
         UPDATE resumable_uploads SET state = 'finished', expires_at = $5
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND writer = $4 AND state = 'receiving'",
        upload.scope.tenant_id.as_str(),
        upload.scope.env.as_str(),
        upload.id.as_str(),
        writer.as_str(),
        expires_at,
    );
    Ok(finished.execute(conn).await?.rows_affected() > 0)
}

/// Marks the upload as expired, its bytes removed; false if the lease is lost.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn discard_upload(
    conn: &mut PgConnection,
    upload: &Upload,
    writer: &Id,
) -> Result<bool, MediaError> {
    let discarded = sqlx::query!(
        "-- media_v2::discard_upload
         UPDATE resumable_uploads SET state = 'discarded'
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND writer = $4 AND state = 'receiving'",
        upload.scope.tenant_id.as_str(),
        upload.scope.env.as_str(),
        upload.id.as_str(),
        writer.as_str(),
    );
    Ok(discarded.execute(conn).await?.rows_affected() > 0)
}

/// Deletes the upload and the rows of its parts; false if the lease is lost.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn delete_upload(
    conn: &mut PgConnection,
    upload: &Upload,
    writer: &Id,
) -> Result<bool, MediaError> {
    let deleted = sqlx::query!(
        "-- media_v2::delete_upload
         DELETE FROM resumable_uploads WHERE tenant_id = $1 AND env = $2 AND id = $3 AND writer = $4",
        upload.scope.tenant_id.as_str(),
        upload.scope.env.as_str(),
        upload.id.as_str(),
        writer.as_str(),
    );
    Ok(deleted.execute(conn).await?.rows_affected() > 0)
}
