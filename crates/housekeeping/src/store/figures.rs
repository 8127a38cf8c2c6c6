//! Figures of an owner: three statements, which read indexes only, or as many rows as an owner may have uploads and jobs.

use primitives::Scope;
use sqlx::PgConnection;

/// Number of assets or artifacts of a kind.
pub(crate) struct KindCount {
    pub(crate) is_asset: bool,
    pub(crate) kind: String,
    pub(crate) count: i64,
}

/// Counts assets and artifacts by kind, from the indexes `media_assets_kind_newest` and `artifacts_kind`.
pub(crate) async fn count_by_kind(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<Vec<KindCount>> {
    sqlx::query_as!(
        KindCount,
        r#"-- housekeeping::count_by_kind
        SELECT true AS "is_asset!", kind AS "kind!", count(*) AS "count!" FROM media_assets
        WHERE tenant_id = $1 AND env = $2 GROUP BY kind
        UNION ALL
        SELECT false, kind, count(*) FROM artifacts WHERE tenant_id = $1 AND env = $2 GROUP BY kind"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
    )
    .fetch_all(conn)
    .await
}

/// Blobs of assets and artifacts, each once.
pub(crate) struct Stored {
    pub(crate) blobs: i64,
    pub(crate) bytes: i64,
    pub(crate) without_size: i64,
}

/// Sums the sizes of blobs, from `media_assets_stored` and `artifacts_stored`. Each table is grouped in the order of its
/// index: rows of both together would be sorted, and written to disk for it.
pub(crate) async fn stored_bytes(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<Stored> {
    sqlx::query_as!(
        Stored,
        r#"-- housekeeping::stored_bytes
        SELECT count(*) AS "blobs!",
               coalesce(sum(greatest(asset.size_bytes, artifact.size_bytes)), 0)::bigint AS "bytes!",
               count(*) FILTER (WHERE asset.size_bytes IS NULL AND artifact.size_bytes IS NULL) AS "without_size!"
        FROM (
            SELECT a.source_uri AS uri, max(a.size_bytes) AS size_bytes FROM media_assets a
            WHERE a.tenant_id = $1 AND a.env = $2 AND starts_with(a.source_uri, 'blob://')
            GROUP BY a.source_uri
        ) AS asset
        FULL JOIN (
            SELECT a.uri, max(a.size_bytes) AS size_bytes FROM artifacts a
            WHERE a.tenant_id = $1 AND a.env = $2 AND starts_with(a.uri, 'blob://')
            GROUP BY a.uri
        ) AS artifact ON artifact.uri = asset.uri"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Analysed duration, open uploads and jobs.
pub(crate) struct WorkInProgress {
    pub(crate) analysed_us: i64,
    pub(crate) uploads: i64,
    pub(crate) received_bytes: i64,
    pub(crate) queued: i64,
    pub(crate) running: i64,
}

/// Sums durations from the index `artifacts_analysed`, and counts unfinished uploads and jobs, whose numbers are limited.
pub(crate) async fn work_in_progress(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<WorkInProgress> {
    sqlx::query_as!(
        WorkInProgress,
        r#"-- housekeeping::work_in_progress
        SELECT measured.analysed_us AS "analysed_us!", upload.uploads AS "uploads!",
               upload.received_bytes AS "received_bytes!", job.queued AS "queued!", job.running AS "running!"
        FROM (
            SELECT coalesce(sum(a.analysed_us), 0)::bigint AS analysed_us FROM artifacts a
            WHERE a.tenant_id = $1 AND a.env = $2 AND a.analysed_us IS NOT NULL
        ) AS measured
        CROSS JOIN (
            SELECT count(*) AS uploads, coalesce(sum(u.offset_bytes), 0)::bigint AS received_bytes
            FROM resumable_uploads u WHERE u.tenant_id = $1 AND u.env = $2 AND u.state = 'receiving'
        ) AS upload
        CROSS JOIN (
            SELECT count(*) FILTER (WHERE j.state = 'queued') AS queued,
                   count(*) FILTER (WHERE j.state = 'running') AS running
            FROM jobs j WHERE j.tenant_id = $1 AND j.env = $2 AND j.state IN ('queued', 'running')
        ) AS job"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
    )
    .fetch_one(conn)
    .await
}
