use primitives::{Id, Scope};
use sqlx::PgConnection;

use crate::model::{AssetUsage, AssetUsages, LISTED};

struct Row {
    kind: String,
    id: Id,
    project_id: Option<Id>,
    total: i64,
}

/// What users made that refers to the asset or artifact `root`, or to anything that the removal has: the first [`LISTED`] of
/// each kind.
///
/// The root itself does not count, nor do its origin map and the segments of its sources. The same holds for the records of
/// a rendered file, its render and these segments, when the file itself is removed.
pub(crate) async fn usages(
    conn: &mut PgConnection,
    scope: &Scope,
    removal: &Id,
    root: &Id,
) -> sqlx::Result<AssetUsages> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- housekeeping::usages
        WITH removed AS (
            SELECT x.is_asset, x.id FROM removals x WHERE x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3
        ), record AS (
            SELECT r.artifact_id AS id FROM renders r
            WHERE r.tenant_id = $1 AND r.env = $2 AND r.render_asset_id = $4
            UNION
            SELECT p.artifact_id FROM pattern_renders p
            WHERE p.tenant_id = $1 AND p.env = $2 AND p.asset_id = $4
            UNION
            SELECT x.id FROM removed x WHERE NOT x.is_asset AND x.id = $4
        ), used (kind, id, project_id) AS (
            SELECT a.kind, a.id, NULL FROM removed x
            JOIN artifacts a ON a.tenant_id = $1 AND a.env = $2 AND a.id = x.id
            WHERE NOT x.is_asset AND NOT is_own_measurement(a.kind, a.meta)
              AND NOT EXISTS (SELECT FROM record WHERE record.id = a.id)
              AND NOT (a.kind = 'render_segment' AND EXISTS (
                  SELECT FROM artifact_upstreams u JOIN record ON record.id = u.upstream_id
                  WHERE u.tenant_id = $1 AND u.env = $2 AND u.artifact_id = a.id
              ))
            UNION
            SELECT 'origin_map', m.audio_artifact_id, NULL FROM removed x
            JOIN origin_maps m ON m.tenant_id = $1 AND m.env = $2 AND m.parent_asset_id = x.id
            WHERE x.is_asset
              AND NOT EXISTS (SELECT FROM removed y WHERE NOT y.is_asset AND y.id = m.audio_artifact_id)
            UNION
            SELECT 'origin_map', m.audio_artifact_id, NULL FROM removed x
            JOIN origin_maps m ON m.tenant_id = $1 AND m.env = $2 AND m.audio_artifact_id = x.id
            JOIN artifacts a ON a.tenant_id = $1 AND a.env = $2 AND a.id = x.id
            WHERE NOT x.is_asset AND m.parent_asset_id <> a.parent_asset_id
              AND NOT EXISTS (SELECT FROM record WHERE record.id = x.id)
              AND NOT EXISTS (SELECT FROM removed y WHERE y.is_asset AND y.id = m.parent_asset_id)
            UNION
            SELECT 'snippet', s.clip_id, NULL FROM removed x
            JOIN origin_snippets s ON s.tenant_id = $1 AND s.env = $2 AND s.source_asset_id = x.id
            WHERE x.is_asset
            UNION
            SELECT 'snippet', s.clip_id, NULL FROM removed x
            JOIN origin_snippets s ON s.tenant_id = $1 AND s.env = $2 AND s.audio_artifact_id = x.id
            WHERE NOT x.is_asset
            UNION
            SELECT 'pattern', p.id, NULL FROM audio_patterns p
            WHERE p.tenant_id = $1 AND p.env = $2
              AND pattern_samples(p.timeline) && ARRAY (SELECT x.id FROM removed x WHERE NOT x.is_asset)
            UNION
            SELECT 'clip', c.id, s.project_id FROM (
                SELECT c.id, c.track_id FROM removed x
                JOIN video_clips c ON c.tenant_id = $1 AND c.env = $2 AND c.asset_id = x.id
                WHERE x.is_asset
                UNION
                SELECT c.id, c.track_id FROM removed x
                JOIN video_clips c ON c.tenant_id = $1 AND c.env = $2 AND c.artifact_id = x.id
                WHERE NOT x.is_asset
            ) AS c
            JOIN video_tracks t ON t.tenant_id = $1 AND t.env = $2 AND t.id = c.track_id
            JOIN video_sequences s ON s.tenant_id = $1 AND s.env = $2 AND s.id = t.sequence_id
            UNION
            SELECT 'job', j.id, NULL FROM jobs j
            WHERE j.tenant_id = $1 AND j.env = $2 AND j.state IN ('queued', 'running')
              AND strpos(j.body, '"' || $4 || '"') > 0
        ), numbered AS (
            SELECT used.kind, used.id, used.project_id, count(*) OVER (PARTITION BY used.kind) AS total,
                   row_number() OVER (PARTITION BY used.kind ORDER BY used.id) AS position
            FROM used
        )
        SELECT kind AS "kind!", id AS "id!: Id", project_id AS "project_id: Id", total AS "total!" FROM numbered
        WHERE position <= $5
        ORDER BY kind, id"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        removal.as_str(),
        root.as_str(),
        LISTED,
    )
    .fetch_all(conn)
    .await?;
    let mut usages = AssetUsages::default();
    for Row { kind, id, project_id, total } in rows {
        let kind =
            kind.parse().map_err(|unknown: media_v2::UnknownKind| sqlx::Error::Decode(unknown.into()))?;
        usages.add(AssetUsage { kind, id, project_id }, total.cast_unsigned());
    }
    Ok(usages)
}
