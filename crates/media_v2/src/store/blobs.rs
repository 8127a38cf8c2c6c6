use std::collections::HashSet;
use std::time::SystemTime;

use blob_store::{BlobId, ListedBlob};
use chrono::{DateTime, Utc};
use primitives::Id;
use sqlx::PgConnection;

/// Rows that refer to blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    Asset,
    Artifact,
}

/// A row that refers to a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRow {
    /// The tenant that owns the row.
    pub tenant_id: Id,
    /// The owner's environment, e.g. `prod`.
    pub env: Id,
    /// Kind of the row: `asset` or `artifact`.
    pub kind: String,
    /// Id of the asset or artifact.
    pub id: Id,
}

/// The blobs of `blobs` that no row refers to. Blobs are shared, so the rows of all owners are checked.
///
/// # Errors
/// When the database fails.
pub(crate) async fn unreferenced_blobs(
    conn: &mut PgConnection,
    blobs: Vec<ListedBlob>,
) -> sqlx::Result<Vec<ListedBlob>> {
    let names: Vec<String> = blobs.iter().map(|blob| blob.id.to_hex()).collect();
    let unreferenced = sqlx::query_scalar!(
        r#"-- media_v2::unreferenced_blobs
        SELECT blob.sha256 AS "sha256!" FROM unnest($1::text[]) AS blob (sha256)
        WHERE NOT EXISTS (SELECT FROM media_assets WHERE source_uri = 'blob://sha256/' || blob.sha256)
          AND NOT EXISTS (SELECT FROM artifacts WHERE uri = 'blob://sha256/' || blob.sha256)
          AND NOT EXISTS (SELECT FROM waveforms WHERE blob_sha256 = blob.sha256)
          AND NOT EXISTS (SELECT FROM jobs WHERE body_uri = 'blob://sha256/' || blob.sha256)
          AND NOT EXISTS (SELECT FROM job_workers WHERE probe_uri = 'blob://sha256/' || blob.sha256)
          AND NOT EXISTS (SELECT FROM job_results WHERE body_uri = 'blob://sha256/' || blob.sha256)"#,
        &names,
    )
    .fetch_all(conn)
    .await?;
    let unreferenced: HashSet<String> = unreferenced.into_iter().collect();
    Ok(blobs.into_iter().filter(|blob| unreferenced.contains(&blob.id.to_hex())).collect())
}

/// The next rows after `after`, of all owners, whose bytes are in the store, ordered by key.
///
/// # Errors
/// When the database fails.
pub(crate) async fn rows_with_blobs(
    conn: &mut PgConnection,
    kind: RowKind,
    after: Option<&BlobRow>,
    limit: i64,
) -> sqlx::Result<Vec<(BlobRow, BlobId)>> {
    let [tenant_id, env, id] =
        after.map_or([""; 3], |after| [&after.tenant_id, &after.env, &after.id].map(Id::as_str));
    let rows = match kind {
        RowKind::Asset => {
            let query = sqlx::query_as!(
                ReferringRow,
                r#"-- media_v2::rows_with_blobs
                SELECT tenant_id AS "tenant_id: Id", env AS "env: Id", id AS "id: Id", source_uri AS uri
                FROM media_assets
                WHERE (tenant_id, env, id) > ($1, $2, $3) AND source_uri ~ '^blob://sha256/[0-9A-Fa-f]{64}$'
                ORDER BY tenant_id, env, id LIMIT $4"#,
                tenant_id,
                env,
                id,
                limit,
            );
            query.fetch_all(conn).await?
        }
        RowKind::Artifact => {
            let query = sqlx::query_as!(
                ReferringRow,
                r#"-- media_v2::rows_with_blobs
                SELECT tenant_id AS "tenant_id: Id", env AS "env: Id", id AS "id: Id", uri FROM artifacts
                WHERE (tenant_id, env, id) > ($1, $2, $3) AND uri ~ '^blob://sha256/[0-9A-Fa-f]{64}$'
                ORDER BY tenant_id, env, id LIMIT $4"#,
                tenant_id,
                env,
                id,
                limit,
            );
            query.fetch_all(conn).await?
        }
    };
    let kind = if kind == RowKind::Asset { "asset" } else { "artifact" };
    let named = |row: ReferringRow| {
        let blob = BlobId::from_uri(&row.uri).ok()?;
        Some((BlobRow { tenant_id: row.tenant_id, env: row.env, kind: kind.to_owned(), id: row.id }, blob))
    };
    // No row is dropped here: the statements select only URIs that parse.
    Ok(rows.into_iter().filter_map(named).collect())
}

struct ReferringRow {
    tenant_id: Id,
    env: Id,
    id: Id,
    uri: String,
}

/// Rows of all owners that refer to a blob, at most `limit`.
///
/// # Errors
/// When the database fails.
pub(crate) async fn rows_of_blob(
    conn: &mut PgConnection,
    blob: BlobId,
    limit: i64,
) -> sqlx::Result<Vec<BlobRow>> {
    sqlx::query_as!(
        BlobRow,
        r#"-- media_v2::rows_of_blob
        SELECT tenant_id AS "tenant_id!: Id", env AS "env!: Id", kind AS "kind!", id AS "id!: Id" FROM (
            SELECT tenant_id, env, 'asset' AS kind, id FROM media_assets WHERE source_uri = $1
            UNION ALL
            SELECT tenant_id, env, 'artifact', id FROM artifacts WHERE uri = $1
        ) referring
        ORDER BY 1, 2, 3, 4 LIMIT $2"#,
        blob.uri(),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Whether there is or was any asset, of any owner.
///
/// # Errors
/// When the database fails.
pub(crate) async fn has_had_assets(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"-- media_v2::has_had_assets
        SELECT EXISTS (SELECT FROM media_assets) OR EXISTS (SELECT FROM assets_removed) AS "found!""#
    )
    .fetch_one(conn)
    .await
}

/// Number of waveform rows of all owners that were computed before `cutoff`; `forget` deletes them.
///
/// # Errors
/// When the database fails.
pub(crate) async fn old_waveforms(
    conn: &mut PgConnection,
    cutoff: SystemTime,
    forget: bool,
) -> sqlx::Result<u64> {
    let cutoff = DateTime::<Utc>::from(cutoff);
    if forget {
        let forgotten = sqlx::query!(
            "-- media_v2::old_waveforms
             DELETE FROM waveforms WHERE created_at < $1",
            cutoff
        );
        return Ok(forgotten.execute(conn).await?.rows_affected());
    }
    let counted = sqlx::query_scalar!(
        r#"-- media_v2::old_waveforms
        SELECT count(*) AS "count!" FROM waveforms WHERE created_at < $1"#,
        cutoff
    );
    Ok(u64::try_from(counted.fetch_one(conn).await?).unwrap_or(0))
}
