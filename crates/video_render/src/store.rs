//! The only SQL of this crate: renders by their keys. Files and artifacts are rows of media_v2.

use primitives::{Id, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::Plan;

/// A stored render, with its artifact and plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredRender {
    pub(crate) parent_asset_id: Id,
    pub(crate) artifact_id: Id,
    pub(crate) render_asset_id: Id,
    pub(crate) uri: String,
    pub(crate) plan: Plan,
}

struct Row {
    parent_asset_id: Id,
    artifact_id: Id,
    render_asset_id: Id,
    uri: String,
    plan: Json<Plan>,
}

/// Finds a render by `render_key`: that of `parent` if it exists, else one of another asset with the same bytes.
pub(crate) async fn find(
    conn: &mut PgConnection,
    scope: &Scope,
    render_key: &str,
    parent: Option<&Id>,
) -> sqlx::Result<Option<StoredRender>> {
    let row = sqlx::query_as!(
        Row,
        r#"-- video_render::find
        SELECT r.parent_asset_id AS "parent_asset_id: Id", r.artifact_id AS "artifact_id: Id",
               r.render_asset_id AS "render_asset_id: Id", a.uri, r.plan AS "plan: Json<Plan>"
        FROM renders r
        JOIN artifacts a ON a.tenant_id = r.tenant_id AND a.env = r.env AND a.id = r.artifact_id
        WHERE r.tenant_id = $1 AND r.env = $2 AND r.render_key = $3
        ORDER BY r.parent_asset_id = $4 DESC, r.parent_asset_id
        LIMIT 1"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        render_key,
        parent.map_or("", Id::as_str),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| StoredRender {
        parent_asset_id: row.parent_asset_id,
        artifact_id: row.artifact_id,
        render_asset_id: row.render_asset_id,
        uri: row.uri,
        plan: row.plan.0,
    }))
}

/// Stores a render under its key and parent; returns false if one is already stored.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    scope: &Scope,
    render_key: &str,
    kept: &StoredRender,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "-- video_render::insert
         INSERT INTO renders (tenant_id, env, render_key, parent_asset_id, artifact_id, render_asset_id, plan)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT DO NOTHING",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        render_key,
        kept.parent_asset_id.as_str(),
        kept.artifact_id.as_str(),
        kept.render_asset_id.as_str(),
        Json(&kept.plan) as _,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}
