use std::collections::HashMap;

use chrono::{DateTime, Utc};
use media_time::{AssetTime, Window};
use media_v2::Meta;
use primitives::{Id, Scope};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::origin_maps::{Pieces, clip_offsets};
use crate::resolve::{Node, Resolver};
use crate::{Error, MAX_CHAIN, Origin, ResolvedOrigin};

/// Maximum number of upward steps from all artifacts of a call.
const MAX_STEPS: i64 = 1_000_000;

struct Row {
    id: Id,
    parent_asset_id: Option<Id>,
    source_start_us: Option<i64>,
    source_end_us: Option<i64>,
    clip_offsets_us: Option<Pieces>,
    mapped_at: Option<DateTime<Utc>>,
    map_meta: Option<Json<Meta>>,
    upstream_window: Option<Json<Value>>,
    upstream_ids: Vec<Id>,
    /// Number of steps of the whole query.
    steps: i64,
}

/// The origin of each of the artifacts, in their order: its own map, or the result of following its upstream artifacts
/// (see the [crate](crate)); `None` when neither exists, or this owner has no such artifact. One statement for any
/// number of artifacts.
///
/// # Errors
/// [`Error::OriginCycle`], [`Error::OriginTooDeep`] and [`Error::UpstreamWindow`] naming the artifact;
/// [`Error::OriginGraphTooLarge`]; database errors.
pub async fn resolve_origins(
    conn: &mut PgConnection,
    scope: &Scope,
    artifact_ids: &[Id],
) -> Result<Vec<Option<ResolvedOrigin>>, Error> {
    resolve_each_origin(conn, scope, artifact_ids).await?.into_iter().collect()
}

/// As [`resolve_origins`], with a separate result for each artifact.
///
/// # Errors
/// [`Error::OriginGraphTooLarge`]; database errors.
pub async fn resolve_each_origin(
    conn: &mut PgConnection,
    scope: &Scope,
    artifact_ids: &[Id],
) -> Result<Vec<Result<Option<ResolvedOrigin>, Error>>, Error> {
    let nodes = walk(conn, scope, artifact_ids).await?;
    let mut resolver = Resolver::new(&nodes);
    Ok(artifact_ids.iter().map(|id| resolver.resolve(id)).collect())
}

/// Fetches every artifact on a chain from one of `ids` up to the nearest maps, and one more for a chain that is too
/// long.
async fn walk(conn: &mut PgConnection, scope: &Scope, ids: &[Id]) -> Result<HashMap<Id, Node>, Error> {
    let asked: Vec<&str> = ids.iter().map(Id::as_str).collect();
    // UNION removes artifacts that were reached at the same depth before, so diamonds do not multiply rows. The inner
    // LIMIT ends the recursion, because Postgres evaluates only the rows that are fetched.
    let rows = sqlx::query_as!(
        Row,
        r#"-- audio_to_video_origin::resolve_origins
        WITH RECURSIVE reached (id, depth) AS (
            SELECT asked.id, 1 FROM unnest($3::text[]) AS asked (id)
            UNION
            SELECT edge.upstream_id, reached.depth + 1
            FROM reached JOIN artifact_upstreams edge
              ON edge.tenant_id = $1 AND edge.env = $2 AND edge.artifact_id = reached.id
            WHERE reached.depth <= $4 AND NOT EXISTS (
                SELECT FROM origin_maps m
                WHERE m.tenant_id = $1 AND m.env = $2 AND m.audio_artifact_id = reached.id
            )
        ), steps AS (
            SELECT step.id, (sum(count(*)) OVER ())::bigint AS steps
            FROM (SELECT id FROM reached LIMIT $5) AS step GROUP BY step.id
        )
        SELECT a.id AS "id: Id", m.parent_asset_id AS "parent_asset_id?: Id", m.source_start_us AS "source_start_us?",
            m.source_end_us AS "source_end_us?", m.clip_offsets_us AS "clip_offsets_us?: Pieces", m.created_at AS "mapped_at?",
            m.meta AS "map_meta?: Json<Meta>",
            a.meta -> 'upstream_window_ms' AS "upstream_window: Json<Value>",
            ARRAY (
                SELECT u.upstream_id FROM artifact_upstreams u
                WHERE u.tenant_id = $1 AND u.env = $2 AND u.artifact_id = a.id AND m.audio_artifact_id IS NULL
                ORDER BY u.position
            ) AS "upstream_ids!: Vec<Id>",
            steps.steps AS "steps!"
        FROM steps
        JOIN artifacts a ON a.tenant_id = $1 AND a.env = $2 AND a.id = steps.id
        LEFT JOIN origin_maps m ON m.tenant_id = $1 AND m.env = $2 AND m.audio_artifact_id = a.id"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        asked as _,
        i32::try_from(MAX_CHAIN).unwrap_or(i32::MAX),
        MAX_STEPS,
    )
    .fetch_all(conn)
    .await?;
    if rows.first().is_some_and(|row| row.steps >= MAX_STEPS) {
        return Err(Error::OriginGraphTooLarge { limit: MAX_STEPS });
    }
    Ok(rows.into_iter().map(Row::into_node).collect())
}

impl Row {
    fn into_node(self) -> (Id, Node) {
        let map = match (self.parent_asset_id, self.source_start_us, self.source_end_us, self.mapped_at) {
            (Some(asset_id), Some(start), Some(end), Some(mapped_at)) => {
                let (start, end) = (AssetTime::from_micros(start), AssetTime::from_micros(end));
                let window = Window::starting_at(start, end - start);
                let clip_offsets = self.clip_offsets_us.map(clip_offsets);
                let meta = self.map_meta.map(|meta| meta.0).unwrap_or_default();
                Some((Origin { asset_id, window, clip_offsets }, mapped_at, meta))
            }
            _ => None,
        };
        let upstream_window = self.upstream_window.map(|window| window.0);
        (self.id, Node { map, upstream_window, upstreams: self.upstream_ids })
    }
}
