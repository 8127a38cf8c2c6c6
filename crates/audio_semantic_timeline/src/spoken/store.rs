//! The SQL that writes the index of spoken words.

use primitives::{Id, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::SpokenWindow;

/// The timeline whose words are indexed.
#[derive(Clone, Copy, Debug)]
pub struct TimelineRow<'a> {
    /// The recording.
    pub asset_id: &'a Id,
    /// The timeline's artifact.
    pub timeline_id: &'a Id,
    /// The analysed audio stream; `None` for the container's default one.
    pub audio_stream: Option<u32>,
}

/// Replaces the windows of an audio stream of a recording; without `windows`, those of the previous timeline stay. Must
/// run in the transaction that inserts the timeline. Waits for a concurrent replacement in the same recording.
///
/// # Errors
/// Database errors.
pub async fn replace_windows(
    conn: &mut PgConnection,
    scope: &Scope,
    timeline: TimelineRow<'_>,
    windows: &[SpokenWindow],
) -> sqlx::Result<()> {
    if windows.is_empty() {
        return Ok(());
    }
    lock(conn, scope, timeline.asset_id).await?;
    clear_windows(conn, scope, timeline).await?;
    sqlx::query!(
        "-- audio_semantic_timeline::replace_windows
        INSERT INTO spoken_windows (tenant_id, env, asset_id, timeline_id, audio_stream, start_us, end_us, language,
            speaker_id, words, starts_ms, ends_ms, own_words, token_words, lexemes)
        SELECT $1, $2, $3, $4, $5, new.start_us, new.end_us, new.language, new.speaker_id, new.words, new.starts_ms,
            new.ends_ms, new.own_words, new.token_words,
            spoken_lexemes(library_owner($1, $2), new.language, new.tokens, new.own_tokens)
        FROM jsonb_to_recordset($6) AS new (start_us bigint, end_us bigint, language text, speaker_id text,
            words text[], starts_ms bigint[], ends_ms bigint[], own_words integer, token_words integer[],
            tokens text[], own_tokens integer)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        timeline.asset_id.as_str(),
        timeline.timeline_id.as_str(),
        timeline.audio_stream.map(u32::cast_signed),
        Json(windows) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes the windows of the audio stream of a timeline, of any timeline.
///
/// # Errors
/// Database errors.
pub(super) async fn clear_windows(
    conn: &mut PgConnection,
    scope: &Scope,
    timeline: TimelineRow<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- audio_semantic_timeline::replace_windows: of the previous timeline
        DELETE FROM spoken_windows
        WHERE tenant_id = $1 AND env = $2 AND asset_id = $3 AND audio_stream IS NOT DISTINCT FROM $4",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        timeline.asset_id.as_str(),
        timeline.audio_stream.map(u32::cast_signed),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Serializes replacements in a recording until the end of the transaction.
pub(super) async fn lock(conn: &mut PgConnection, scope: &Scope, asset_id: &Id) -> sqlx::Result<()> {
    let Scope { tenant_id, env } = scope;
    sqlx::query!(
        "-- audio_semantic_timeline::lock_windows
        SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        format!("spoken_windows|{tenant_id}|{env}|{asset_id}"),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A timeline to index: of the next recordings of all owners, ordered by owner and id.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) tenant_id: Id,
    pub(super) env: Id,
    pub(super) asset_id: Id,
    /// `None` for a recording without a timeline to index.
    pub(super) timeline_id: Option<Id>,
}

/// The timelines of the next `limit` recordings after `after`: of each audio stream the newest, preferring backends with a
/// speech model, without those of a decoder that decodes the recording incorrectly, or the newest correction of that
/// analysis. Unless `all`, only timelines that are not indexed, of streams that have no newer one in the index.
///
/// # Errors
/// Database errors.
pub(super) async fn candidates(
    conn: &mut PgConnection,
    after: [&str; 3],
    all: bool,
    limit: i64,
) -> sqlx::Result<Vec<Candidate>> {
    let [tenant_id, env, asset_id] = after;
    sqlx::query_as!(
        Candidate,
        r#"-- audio_semantic_timeline::timelines_to_index
        SELECT s.tenant_id AS "tenant_id: Id", s.env AS "env: Id", s.id AS "asset_id: Id", found.id AS "timeline_id?: Id"
        FROM (
            SELECT tenant_id, env, id, decoder FROM media_assets
            WHERE (tenant_id, env, id) > ($1, $2, $3) ORDER BY tenant_id, env, id LIMIT $5
        ) s
        LEFT JOIN LATERAL (
            SELECT DISTINCT ON (a.meta ->> 'audio_stream') coalesce(
                (
                    SELECT c.artifact_id FROM timeline_corrections c
                    WHERE c.tenant_id = s.tenant_id AND c.env = s.env AND c.analysis_id = a.id
                      AND c.withdrawn_at IS NULL
                    ORDER BY c.revision DESC LIMIT 1
                ),
                a.id
            ) AS id
            FROM artifacts a
            WHERE a.tenant_id = s.tenant_id AND a.env = s.env AND a.parent_asset_id = s.id
              AND a.kind = 'audio_semantic_timeline' AND a.meta ->> 'source_artifact_id' IS NULL
              AND a.meta ->> 'backend_version' <> 'audio_semantic_stub_v1'
              AND NOT decoded_wrongly(s.decoder, a.meta ->> 'backend_version')
              AND NOT EXISTS (
                  SELECT FROM timeline_corrections c
                  WHERE c.tenant_id = s.tenant_id AND c.env = s.env AND c.artifact_id = a.id
              )
            ORDER BY a.meta ->> 'audio_stream', coalesce(a.meta ->> 'backend_type' = 'signal', false),
                a.created_at DESC, a.id DESC
        ) found ON $4 OR NOT EXISTS (
            SELECT FROM spoken_windows w
            WHERE w.tenant_id = s.tenant_id AND w.env = s.env AND w.timeline_id = found.id
        )
        ORDER BY s.tenant_id, s.env, s.id"#,
        tenant_id,
        env,
        asset_id,
        all,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Whether the index has the words of a newer timeline of the same audio stream: of a newer analysis, or of a newer
/// correction of the same.
///
/// # Errors
/// Database errors.
pub(super) async fn has_newer(
    conn: &mut PgConnection,
    scope: &Scope,
    timeline: TimelineRow<'_>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"-- audio_semantic_timeline::has_newer_windows
        WITH timelines AS (
            SELECT wanted.id, wanted.is_given, analysis.created_at, analysis.id AS analysis_id,
                coalesce(c.revision, 0) AS revision
            FROM (
                SELECT $4::text AS id, true AS is_given
                UNION
                SELECT w.timeline_id, false FROM spoken_windows w
                WHERE w.tenant_id = $1 AND w.env = $2 AND w.asset_id = $3 AND w.audio_stream IS NOT DISTINCT FROM $5
            ) wanted
            LEFT JOIN timeline_corrections c ON c.tenant_id = $1 AND c.env = $2 AND c.artifact_id = wanted.id
            JOIN artifacts analysis
                ON analysis.tenant_id = $1 AND analysis.env = $2 AND analysis.id = coalesce(c.analysis_id, wanted.id)
        )
        SELECT EXISTS (
            SELECT FROM timelines indexed JOIN timelines given ON given.is_given AND NOT indexed.is_given
            WHERE (indexed.created_at, indexed.analysis_id, indexed.revision)
                > (given.created_at, given.analysis_id, given.revision)
        ) AS "newer!""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        timeline.asset_id.as_str(),
        timeline.timeline_id.as_str(),
        timeline.audio_stream.map(u32::cast_signed),
    )
    .fetch_one(conn)
    .await
}

/// Deletes the windows of a timeline.
///
/// # Errors
/// Database errors.
pub(super) async fn delete_windows(
    conn: &mut PgConnection,
    scope: &Scope,
    timeline_id: &Id,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- audio_semantic_timeline::delete_windows
        DELETE FROM spoken_windows WHERE tenant_id = $1 AND env = $2 AND timeline_id = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        timeline_id.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
