//! The only SQL of this crate: pattern renders by their keys. Files and artifacts are rows of media_v2.

use primitives::{Id, Scope};
use sqlx::PgConnection;

/// A stored render of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredPatternRender {
    pub(crate) artifact_id: Id,
    pub(crate) asset_id: Id,
    pub(crate) uri: String,
    pub(crate) duration_us: i64,
    pub(crate) gain_db: f64,
}

/// The render with `key`.
pub(crate) async fn find(
    conn: &mut PgConnection,
    scope: &Scope,
    key: &str,
) -> sqlx::Result<Option<StoredPatternRender>> {
    sqlx::query_as!(
        StoredPatternRender,
        r#"-- audio_mix::find
        SELECT r.artifact_id AS "artifact_id: Id", r.asset_id AS "asset_id: Id", a.uri, r.duration_us, r.gain_db
        FROM pattern_renders r
        JOIN artifacts a ON a.tenant_id = r.tenant_id AND a.env = r.env AND a.id = r.artifact_id
        WHERE r.tenant_id = $1 AND r.env = $2 AND r.render_key = $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        key,
    )
    .fetch_optional(conn)
    .await
}

/// Stores a render under its key; returns false if one is already stored.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    scope: &Scope,
    key: &str,
    render: &StoredPatternRender,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "-- audio_mix::insert
         INSERT INTO pattern_renders (tenant_id, env, render_key, artifact_id, asset_id, duration_us, gain_db)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT DO NOTHING",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        key,
        render.artifact_id.as_str(),
        render.asset_id.as_str(),
        render.duration_us,
        render.gain_db,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}
