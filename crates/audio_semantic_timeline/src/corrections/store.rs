//! The SQL of corrections.

use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use sqlx::PgConnection;

use super::CorrectionEntry;

/// A correction in the chain of its analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrectionRow {
    /// The corrected timeline.
    pub artifact_id: Id,
    /// The measured timeline at the beginning of the chain.
    pub analysis_id: Id,
    /// Number in the chain, from 1.
    pub revision: i32,
    /// Whether it was removed.
    pub is_withdrawn: bool,
}

/// The correction with this artifact, removed or not; `None` for other timelines.
///
/// # Errors
/// Database errors.
pub async fn find_correction(
    conn: &mut PgConnection,
    scope: &Scope,
    artifact_id: &Id,
) -> sqlx::Result<Option<CorrectionRow>> {
    sqlx::query_as!(
        CorrectionRow,
        r#"-- audio_semantic_timeline::find_correction
        SELECT artifact_id AS "artifact_id: Id", analysis_id AS "analysis_id: Id", revision,
            withdrawn_at IS NOT NULL AS "is_withdrawn!"
        FROM timeline_corrections WHERE tenant_id = $1 AND env = $2 AND artifact_id = $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        artifact_id.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// The newest correction of one of `analysis_ids` that is not removed.
///
/// # Errors
/// Database errors.
pub async fn newest_correction(
    conn: &mut PgConnection,
    scope: &Scope,
    analysis_ids: &[Id],
) -> sqlx::Result<Option<CorrectionRow>> {
    let ids: Vec<&str> = analysis_ids.iter().map(Id::as_str).collect();
    sqlx::query_as!(
        CorrectionRow,
        r#"-- audio_semantic_timeline::newest_correction
        SELECT artifact_id AS "artifact_id: Id", analysis_id AS "analysis_id: Id", revision, false AS "is_withdrawn!"
        FROM timeline_corrections
        WHERE tenant_id = $1 AND env = $2 AND analysis_id = ANY ($3) AND withdrawn_at IS NULL
        ORDER BY revision DESC, artifact_id DESC LIMIT 1"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        ids as _,
    )
    .fetch_optional(conn)
    .await
}

/// The corrections of an analysis that are not removed, newest first.
///
/// # Errors
/// Database errors.
pub async fn list_corrections(
    conn: &mut PgConnection,
    scope: &Scope,
    analysis_id: &Id,
) -> sqlx::Result<Vec<CorrectionEntry>> {
    sqlx::query_as!(
        CorrectionEntry,
        r#"-- audio_semantic_timeline::list_corrections
        SELECT artifact_id AS "artifact_id: Id", revision, version AS backend_version, user_id AS "user_id: Id",
            edit_count, created_at
        FROM timeline_corrections
        WHERE tenant_id = $1 AND env = $2 AND analysis_id = $3 AND withdrawn_at IS NULL
        ORDER BY revision DESC"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        analysis_id.as_str(),
    )
    .fetch_all(conn)
    .await
}

/// Serializes the changes of an analysis's corrections until the end of the transaction.
///
/// # Errors
/// Database errors.
pub async fn lock_corrections(conn: &mut PgConnection, scope: &Scope, analysis_id: &Id) -> sqlx::Result<()> {
    let Scope { tenant_id, env } = scope;
    sqlx::query!(
        "-- audio_semantic_timeline::lock_corrections
        SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        format!("timeline_corrections|{tenant_id}|{env}|{analysis_id}"),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts a correction of `analysis_id`, whose artifact is `entry`'s. Must run in the transaction that inserts the
/// artifact, after [`lock_corrections`].
///
/// # Errors
/// Database errors; a violation of `timeline_corrections_in_force` if the revision exists.
pub async fn insert_correction(
    conn: &mut PgConnection,
    scope: &Scope,
    analysis_id: &Id,
    entry: &CorrectionEntry,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- audio_semantic_timeline::insert_correction
        INSERT INTO timeline_corrections
            (tenant_id, env, artifact_id, analysis_id, revision, version, user_id, edit_count, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        entry.artifact_id.as_str(),
        analysis_id.as_str(),
        entry.revision,
        entry.backend_version,
        entry.user_id.as_ref().map(Id::as_str),
        entry.edit_count,
        entry.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a correction as removed.
///
/// # Errors
/// Database errors.
pub async fn withdraw_correction(
    conn: &mut PgConnection,
    scope: &Scope,
    artifact_id: &Id,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- audio_semantic_timeline::withdraw_correction
        UPDATE timeline_corrections SET withdrawn_at = $4
        WHERE tenant_id = $1 AND env = $2 AND artifact_id = $3 AND withdrawn_at IS NULL",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        artifact_id.as_str(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
