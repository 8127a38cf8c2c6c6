//! The blobs of one owner.

use blob_store::{BlobId, ListedBlob};
use primitives::Id;
use sqlx::PgConnection;

use super::blobs::unreferenced_blobs;

/// Number of blobs that are looked up in one statement.
const BATCH: usize = 10_000;

/// The blobs that rows of a tenant, or of one of its environments, refer to, each once: the same references as of a
/// collection of blobs.
///
/// # Errors
/// When the database fails.
pub async fn owned_blobs(
    conn: &mut PgConnection,
    tenant_id: &Id,
    env: Option<&Id>,
) -> sqlx::Result<Vec<BlobId>> {
    let uris = sqlx::query_scalar!(
        r#"-- media_v2::owned_blobs
        SELECT DISTINCT owned.uri AS "uri!" FROM (
            SELECT tenant_id, env, source_uri AS uri FROM media_assets
            UNION ALL
            SELECT tenant_id, env, uri FROM artifacts
            UNION ALL
            SELECT tenant_id, env, 'blob://sha256/' || blob_sha256 FROM waveforms
            UNION ALL
            SELECT tenant_id, env, body_uri FROM jobs
            UNION ALL
            SELECT tenant_id, env, body_uri FROM job_results
        ) AS owned
        WHERE owned.tenant_id = $1 AND ($2::text IS NULL OR owned.env = $2)
          AND owned.uri ~ '^blob://sha256/[0-9A-Fa-f]{64}$'"#,
        tenant_id.as_str(),
        env.map(Id::as_str),
    )
    .fetch_all(conn)
    .await?;
    // No row is dropped here: the statement selects only URIs that parse.
    Ok(uris.iter().filter_map(|uri| BlobId::from_uri(uri).ok()).collect())
}

/// The blobs of `blobs` that no row of any owner refers to.
///
/// # Errors
/// When the database fails.
pub async fn unreferenced(conn: &mut PgConnection, blobs: Vec<BlobId>) -> sqlx::Result<Vec<BlobId>> {
    let mut found = Vec::new();
    for batch in blobs.chunks(BATCH) {
        let batch = batch.iter().map(|id| ListedBlob { id: *id, size_bytes: 0 }).collect();
        found.extend(unreferenced_blobs(conn, batch).await?.into_iter().map(|blob| blob.id));
    }
    Ok(found)
}
