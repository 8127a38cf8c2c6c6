//! SQL queries on `audio_patterns`; this crate has no others.

use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::PatternTimeline;

/// Inserts a pattern, unless its id exists already.
///
/// # Errors
/// Database errors.
pub(crate) async fn keep_pattern(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    pattern: &PatternTimeline,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- audio_pattern_engine::keep_pattern
         INSERT INTO audio_patterns (tenant_id, env, id, created_at, timeline) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, env, id) DO NOTHING",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        pattern.pattern_id.as_str(),
        now,
        Json(pattern) as _,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Finds the pattern with this id among those of this owner.
///
/// # Errors
/// Database errors.
pub async fn find_pattern(
    conn: &mut PgConnection,
    scope: &Scope,
    pattern_id: &Id,
) -> sqlx::Result<Option<PatternTimeline>> {
    let timeline = sqlx::query_scalar!(
        r#"-- audio_pattern_engine::find_pattern
         SELECT timeline AS "timeline: Json<PatternTimeline>" FROM audio_patterns
         WHERE tenant_id = $1 AND env = $2 AND id = $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        pattern_id.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(timeline.map(|Json(pattern)| pattern))
}
