//! SQL queries for stored runs and for transcripts; this crate has no others.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use sqlx::PgConnection;
use sqlx::types::{Json, JsonValue};

use crate::Error;
use crate::model::Run;

/// Finds the runs of this owner under `cache_keys`, by their keys.
///
/// # Errors
/// [`Error::Corrupt`]; database errors.
pub async fn find_runs(
    conn: &mut PgConnection,
    scope: &Scope,
    cache_keys: &[String],
) -> Result<HashMap<String, Run>, Error> {
    let rows = sqlx::query!(
        r#"-- audio_field_to_samples::find_runs
        SELECT cache_key, found FROM sample_runs
        WHERE tenant_id = $1 AND env = $2 AND cache_key = ANY ($3)"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        cache_keys,
    )
    .fetch_all(conn)
    .await?;
    let run = |cache_key: String, found: JsonValue| match serde_json::from_value(found) {
        Ok(run) => Ok((cache_key, run)),
        Err(source) => Err(Error::Corrupt { cache_key, source }),
    };
    rows.into_iter().map(|row| run(row.cache_key, row.found)).collect()
}

/// Stores runs of an asset, made at `now`, each under its key.
///
/// # Errors
/// [`Error::Overtaken`] when a run exists under one of the keys; database errors.
pub async fn insert_runs(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    asset_id: &Id,
    runs: &[(&str, &Run)],
) -> Result<(), Error> {
    let keys: Vec<&str> = runs.iter().map(|(key, _)| *key).collect();
    let found: Vec<Json<&Run>> = runs.iter().map(|(_, run)| Json(*run)).collect();
    sqlx::query!(
        "-- audio_field_to_samples::insert_runs
         INSERT INTO sample_runs (tenant_id, env, cache_key, asset_id, created_at, found)
         SELECT $1, $2, new.cache_key, $3, $4, new.found
         FROM unnest($5::text[], $6::jsonb[]) AS new (cache_key, found)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        asset_id.as_str(),
        now,
        &keys as _,
        &found as _,
    )
    .execute(conn)
    .await
    .map_err(|error| match error.as_database_error().and_then(|error| error.constraint()) {
        Some("sample_runs_pkey") => Error::Overtaken,
        _ => error.into(),
    })?;
    Ok(())
}

/// The newest transcript of an audio stream of the asset itself (not of an artifact of it, whose times differ), except
/// those made with a decoder that misread the asset.
///
/// # Errors
/// Database errors.
pub async fn newest_transcript(
    conn: &mut PgConnection,
    scope: &Scope,
    asset_id: &Id,
    audio_stream: Option<u32>,
) -> sqlx::Result<Option<Id>> {
    sqlx::query_scalar!(
        r#"-- audio_field_to_samples::newest_transcript
        SELECT a.id AS "id: Id" FROM artifacts a
        WHERE a.tenant_id = $1 AND a.env = $2 AND a.parent_asset_id = $3 AND a.kind = 'asr_transcript'
          AND a.meta ->> 'source_artifact_id' IS NULL
          AND a.meta ->> 'audio_stream' IS NOT DISTINCT FROM $4
          AND NOT EXISTS (
              SELECT FROM media_assets s
              WHERE s.tenant_id = $1 AND s.env = $2 AND s.id = $3
                AND decoded_wrongly(s.decoder, a.meta ->> 'backend_version')
          )
        ORDER BY a.created_at DESC, a.id DESC LIMIT 1"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        asset_id.as_str(),
        audio_stream.map(|stream| stream.to_string()),
    )
    .fetch_optional(conn)
    .await
}
