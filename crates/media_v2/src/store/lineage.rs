use std::collections::{HashMap, HashSet};

use primitives::{Id, Scope};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{find_artifacts, find_assets};
use crate::{Artifact, MediaAsset, MediaError};

/// Largest depth of a lineage, in steps.
const MAX_DEPTH: i32 = 64;
/// Most artifacts of a lineage.
const MAX_NODES: i64 = 1_000;
/// Most steps that are followed; in a diamond, several paths lead to the same artifact.
const MAX_STEPS: i64 = 16 * MAX_NODES;

/// An artifact in a lineage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineageNode {
    /// Number of steps from the start of the lineage, which has 0; the smallest number when several paths lead here.
    pub depth: u32,
    /// The artifact, with the window of its parent asset.
    #[serde(flatten)]
    pub artifact: Artifact,
}

/// A derivation of one artifact from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineageEdge {
    /// Id of the derived artifact.
    pub artifact_id: Id,
    /// Id of the artifact that it was derived from.
    pub upstream_artifact_id: Id,
}

/// The derivation graph around an artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Lineage {
    /// The artifacts, by depth, then by id; the first is the requested one. At most 1 000, at most 64 steps away.
    pub artifacts: Vec<LineageNode>,
    /// All derivations between these artifacts.
    pub edges: Vec<LineageEdge>,
    /// The parent assets of these artifacts, by id.
    pub assets: Vec<MediaAsset>,
    /// Whether the lineage exceeds the limits.
    pub truncated: bool,
}

/// The lineage of an artifact: its upstream artifacts (`up`), or the artifacts derived from it; `None` when this owner
/// does not have the artifact. Cycles do not loop: each artifact is included once.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn find_lineage(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    up: bool,
) -> Result<Option<Lineage>, MediaError> {
    let mut steps = if up { walk_up(conn, scope, id).await? } else { walk_down(conn, scope, id).await? };
    let within = |step: &Step| step.depth <= MAX_DEPTH && step.steps < MAX_STEPS;
    let limit = usize::try_from(MAX_NODES).unwrap_or(usize::MAX);
    let truncated = steps.len() > limit || !steps.iter().all(within);
    steps.retain(|step| step.depth <= MAX_DEPTH);
    steps.truncate(limit);

    let ids: Vec<Id> = steps.iter().map(|step| step.id.clone()).collect();
    let found = find_artifacts(conn, scope, &ids).await?;
    let mut found: HashMap<Id, Artifact> = found.into_iter().map(|a| (a.id.clone(), a)).collect();
    if !found.contains_key(id) {
        return Ok(None);
    }
    let artifacts: Vec<LineageNode> = steps
        .into_iter()
        .filter_map(|step| {
            let depth = step.depth.cast_unsigned();
            found.remove(&step.id).map(|artifact| LineageNode { depth, artifact })
        })
        .collect();
    let mut parents: Vec<Id> = artifacts.iter().map(|node| node.artifact.parent_asset_id.clone()).collect();
    parents.sort_unstable();
    parents.dedup();
    let assets = find_assets(conn, scope, &parents).await?;
    Ok(Some(Lineage { edges: edges(&artifacts), artifacts, assets, truncated }))
}

fn edges(nodes: &[LineageNode]) -> Vec<LineageEdge> {
    let known: HashSet<&Id> = nodes.iter().map(|node| &node.artifact.id).collect();
    let mut edges = Vec::new();
    for node in nodes {
        let upstreams = node.artifact.upstream_artifact_ids.iter().filter(|id| known.contains(id));
        edges.extend(upstreams.map(|upstream| LineageEdge {
            artifact_id: node.artifact.id.clone(),
            upstream_artifact_id: upstream.clone(),
        }));
    }
    edges
}

/// An artifact that a walk has reached.
struct Step {
    id: Id,
    depth: i32,
    /// Number of steps of the whole walk.
    steps: i64,
}

/// Walks from `$from` to `$to` of each derivation; to one node and one level more than allowed, to detect a truncated
/// lineage.
macro_rules! walk {
    ($connection:expr, $scope:expr, $id:expr, $name:literal, $from:literal, $to:literal) => {
        // The inner LIMIT stops the recursion: Postgres evaluates only the rows that are fetched.
        sqlx::query_as!(
            Step,
            "-- media_v2::"
                + $name
                + "
         WITH RECURSIVE walk (id, depth) AS (
             SELECT $3::text, 0
             UNION
             SELECT edge."
                + $to
                + ", walk.depth + 1
             FROM walk JOIN artifact_upstreams edge
               ON edge.tenant_id = $1 AND edge.env = $2 AND edge."
                + $from
                + " = walk.id
             WHERE walk.depth <= $4
         )
         SELECT step.id AS \"id!: Id\", min(step.depth) AS \"depth!\",
                (sum(count(*)) OVER ())::bigint AS \"steps!\"
         FROM (SELECT id, depth FROM walk LIMIT $5) AS step
         GROUP BY step.id ORDER BY min(step.depth), step.id LIMIT $6",
            $scope.tenant_id.as_str(),
            $scope.env.as_str(),
            $id.as_str(),
            MAX_DEPTH,
            MAX_STEPS,
            MAX_NODES + 1,
        )
        .fetch_all($connection)
        .await
    };
}

async fn walk_up(conn: &mut PgConnection, scope: &Scope, id: &Id) -> Result<Vec<Step>, MediaError> {
    Ok(walk!(conn, scope, id, "walk_up", "artifact_id", "upstream_id")?)
}

async fn walk_down(conn: &mut PgConnection, scope: &Scope, id: &Id) -> Result<Vec<Step>, MediaError> {
    Ok(walk!(conn, scope, id, "walk_down", "upstream_id", "artifact_id")?)
}
