//! Lookup of timelines by SQL. Their rows belong to media_v2.

use std::collections::{BTreeSet, HashMap};

use media_v2::MediaError;
use media_v2::store::find_artifacts;
use primitives::{Id, Scope};
use serde_json::Value;
use sqlx::PgConnection;

/// The source of a timeline: an asset, or an artifact of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimelineOf {
    /// The recording that the source is part of.
    pub asset_id: Id,
    /// The artifact to analyse instead of the recording.
    pub artifact_id: Option<Id>,
}

/// The timeline artifact for each of `wanted`, in that order: the newest correction of its analysis, or the analysis
/// without one. Analyses of its artifact, in any recording, take precedence over those of the asset itself. Measured ones
/// take precedence over stubs; of the asset itself, those of the default audio stream, which clips play, over those of
/// another stream; then the newest. A timeline of the asset itself is ignored if its decoder decodes the asset
/// incorrectly. One statement for any number.
///
/// # Errors
/// Database errors.
pub async fn find_timelines(
    conn: &mut PgConnection,
    scope: &Scope,
    wanted: &[TimelineOf],
) -> sqlx::Result<Vec<Option<Id>>> {
    let assets: BTreeSet<&str> = wanted.iter().map(|wanted| wanted.asset_id.as_str()).collect();
    let artifacts: BTreeSet<&str> =
        wanted.iter().filter_map(|wanted| Some(wanted.artifact_id.as_ref()?.as_str())).collect();
    // Each recording is looked up once: many samples are of few recordings.
    let rows = sqlx::query!(
        r#"-- audio_semantic_timeline::find_timelines
        WITH of_artifacts AS (
            SELECT DISTINCT ON (a.meta ->> 'source_artifact_id') a.meta ->> 'source_artifact_id' AS source_id, a.id
            FROM artifacts a
            WHERE a.tenant_id = $1 AND a.env = $2 AND a.kind = 'audio_semantic_timeline'
              AND a.meta ->> 'source_artifact_id' = ANY ($4)
              AND NOT EXISTS (
                  SELECT FROM timeline_corrections c
                  WHERE c.tenant_id = $1 AND c.env = $2 AND c.artifact_id = a.id
              )
            ORDER BY a.meta ->> 'source_artifact_id', a.meta ->> 'backend_version' = 'audio_semantic_stub_v1',
                a.created_at DESC, a.id DESC
        ), of_assets AS (
            SELECT wanted.asset_id AS source_id, found.id
            FROM unnest($3::text[]) AS wanted (asset_id)
            CROSS JOIN LATERAL (
                SELECT a.id FROM artifacts a
                WHERE a.tenant_id = $1 AND a.env = $2 AND a.kind = 'audio_semantic_timeline'
                  AND a.parent_asset_id = wanted.asset_id AND a.meta ->> 'source_artifact_id' IS NULL
                  AND NOT EXISTS (
                      SELECT FROM media_assets s
                      WHERE s.tenant_id = $1 AND s.env = $2 AND s.id = wanted.asset_id
                        AND decoded_wrongly(s.decoder, a.meta ->> 'backend_version')
                  )
                  AND NOT EXISTS (
                      SELECT FROM timeline_corrections c
                      WHERE c.tenant_id = $1 AND c.env = $2 AND c.artifact_id = a.id
                  )
                ORDER BY a.meta ->> 'backend_version' = 'audio_semantic_stub_v1',
                    a.meta ->> 'audio_stream' IS NOT NULL, a.created_at DESC, a.id DESC
                LIMIT 1
            ) found
        ), analyses AS (
            SELECT true AS is_of_artifact, source_id, id FROM of_artifacts
            UNION ALL
            SELECT false, source_id, id FROM of_assets
        )
        SELECT analyses.is_of_artifact AS "is_of_artifact!", analyses.source_id AS "source_id!",
            coalesce(newest.artifact_id, analyses.id) AS "id!: Id"
        FROM analyses
        LEFT JOIN LATERAL (
            SELECT c.artifact_id FROM timeline_corrections c
            WHERE c.tenant_id = $1 AND c.env = $2 AND c.analysis_id = analyses.id AND c.withdrawn_at IS NULL
            ORDER BY c.revision DESC LIMIT 1
        ) newest ON true"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        &assets.into_iter().collect::<Vec<_>>() as _,
        &artifacts.into_iter().collect::<Vec<_>>() as _,
    )
    .fetch_all(conn)
    .await?;
    let (mut of_assets, mut of_artifacts) = (HashMap::new(), HashMap::new());
    for row in rows {
        let found = if row.is_of_artifact { &mut of_artifacts } else { &mut of_assets };
        found.insert(row.source_id, row.id);
    }
    let timeline = |wanted: &TimelineOf| {
        let of_artifact = wanted.artifact_id.as_ref().and_then(|id| of_artifacts.get(id.as_str()));
        of_artifact.or_else(|| of_assets.get(wanted.asset_id.as_str())).cloned()
    };
    Ok(wanted.iter().map(timeline).collect())
}

/// The timeline of the default audio stream of each of `asset_ids`, in that order: as [`find_timelines`], which falls
/// back to other streams, without those.
///
/// # Errors
/// Errors of the database.
pub async fn find_default_timelines(
    conn: &mut PgConnection,
    scope: &Scope,
    asset_ids: &[Id],
) -> Result<Vec<Option<Id>>, MediaError> {
    let of = |asset_id: &Id| TimelineOf { asset_id: asset_id.clone(), artifact_id: None };
    let wanted: Vec<TimelineOf> = asset_ids.iter().map(of).collect();
    let found = find_timelines(conn, scope, &wanted).await?;
    let ids: Vec<Id> = found.iter().flatten().cloned().collect();
    let artifacts = find_artifacts(conn, scope, &ids).await?.into_iter();
    let of_default =
        artifacts.filter(|artifact| artifact.meta.get("audio_stream").is_none_or(Value::is_null));
    let of_default: BTreeSet<Id> = of_default.map(|artifact| artifact.id).collect();
    Ok(found.into_iter().map(|id| id.filter(|id| of_default.contains(id))).collect())
}

/// The timeline of the default audio stream of each of `asset_ids` whose words are searched, in that order: the newest one
/// with words, see [`crate::spoken`]. `None` for an asset without any.
///
/// # Errors
/// Errors of the database.
pub async fn find_spoken_timelines(
    conn: &mut PgConnection,
    scope: &Scope,
    asset_ids: &[Id],
) -> sqlx::Result<Vec<Option<Id>>> {
    let ids: Vec<&str> = asset_ids.iter().map(Id::as_str).collect();
    // All windows of an audio stream are of one timeline.
    let rows = sqlx::query!(
        r#"-- audio_semantic_timeline::find_spoken_timelines
        SELECT wanted.id AS "asset_id!", spoken.timeline_id AS "timeline_id: Id"
        FROM unnest($3::text[]) AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT w.timeline_id FROM spoken_windows w
            WHERE w.tenant_id = $1 AND w.env = $2 AND w.asset_id = wanted.id AND w.audio_stream IS NULL
            ORDER BY w.start_us LIMIT 1
        ) spoken"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        ids as _,
    )
    .fetch_all(conn)
    .await?;
    let found: HashMap<String, Id> = rows.into_iter().map(|row| (row.asset_id, row.timeline_id)).collect();
    Ok(asset_ids.iter().map(|id| found.get(id.as_str()).cloned()).collect())
}

/// The timeline of an audio stream of an asset: the newest correction of its newest analysis, or the analysis without one.
///
/// # Errors
/// Errors of the database.
pub async fn find_stream_timeline(
    conn: &mut PgConnection,
    scope: &Scope,
    asset_id: &Id,
    audio_stream: u32,
) -> sqlx::Result<Option<Id>> {
    sqlx::query_scalar!(
        r#"-- audio_semantic_timeline::find_stream_timeline
        SELECT coalesce(
            (
                SELECT c.artifact_id FROM timeline_corrections c
                WHERE c.tenant_id = $1 AND c.env = $2 AND c.analysis_id = found.id AND c.withdrawn_at IS NULL
                ORDER BY c.revision DESC LIMIT 1
            ),
            found.id
        ) AS "id!: Id"
        FROM (
            SELECT a.id FROM artifacts a
            WHERE a.tenant_id = $1 AND a.env = $2 AND a.kind = 'audio_semantic_timeline' AND a.parent_asset_id = $3
              AND a.meta ->> 'source_artifact_id' IS NULL AND a.meta ->> 'audio_stream' = $4
              AND NOT EXISTS (
                  SELECT FROM timeline_corrections c
                  WHERE c.tenant_id = $1 AND c.env = $2 AND c.artifact_id = a.id
              )
            ORDER BY a.created_at DESC, a.id DESC LIMIT 1
        ) found"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        asset_id.as_str(),
        audio_stream.to_string(),
    )
    .fetch_optional(conn)
    .await
}

/// The assets with a semantic timeline or transcript that was made with a decoder that decodes them incorrectly, in the
/// given order.
///
/// # Errors
/// Errors of the database.
pub async fn wrongly_analysed(
    conn: &mut PgConnection,
    scope: &Scope,
    asset_ids: &[Id],
) -> sqlx::Result<Vec<Id>> {
    let ids: Vec<&str> = asset_ids.iter().map(Id::as_str).collect();
    sqlx::query_scalar!(
        r#"-- audio_semantic_timeline::wrongly_analysed
        SELECT s.id AS "id!: Id"
        FROM unnest($3::text[]) WITH ORDINALITY AS wanted (id, position)
        JOIN media_assets s ON s.tenant_id = $1 AND s.env = $2 AND s.id = wanted.id
        WHERE EXISTS (
            SELECT FROM artifacts a
            WHERE a.tenant_id = $1 AND a.env = $2 AND a.parent_asset_id = s.id
              AND a.kind IN ('audio_semantic_timeline', 'asr_transcript')
              AND a.meta ->> 'source_artifact_id' IS NULL
              AND decoded_wrongly(s.decoder, a.meta ->> 'backend_version')
        )
        ORDER BY wanted.position"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        ids as _,
    )
    .fetch_all(conn)
    .await
}
