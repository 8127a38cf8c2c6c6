use std::collections::HashMap;

use futures::TryStreamExt as _;
use media_time::MediaTime;
use primitives::{Id, Scope};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::{Error, MAX_SHOT_LIST_BYTES};

/// The columns of an artifact that a shot list uses.
pub(crate) struct AudioArtifactRow {
    pub(crate) id: Id,
    pub(crate) parent_asset_id: Id,
    pub(crate) start_us: Option<i64>,
    /// The origin declared in the meta, unvalidated.
    pub(crate) source_asset_id: Option<Json<Value>>,
    pub(crate) source_start_ms: Option<Json<Value>>,
    pub(crate) meta: Json<Box<RawValue>>,
}

/// Returns those of the artifacts that this owner has. The size of their meta, which every shot repeats, is limited to
/// the maximum size of a shot list.
pub(crate) async fn find_sounds(
    conn: &mut PgConnection,
    scope: &Scope,
    ids: &[Id],
) -> Result<HashMap<Id, AudioArtifactRow>, Error> {
    let ids: Vec<&str> = ids.iter().map(Id::as_str).collect();
    let mut rows = sqlx::query_as!(
        AudioArtifactRow,
        r#"-- audio_to_video_origin::find_sounds
        SELECT id AS "id: Id", parent_asset_id AS "parent_asset_id: Id", start_us,
            meta -> 'source_asset_id' AS "source_asset_id: Json<Value>",
            meta -> 'source_start_ms' AS "source_start_ms: Json<Value>",
            meta AS "meta: Json<Box<RawValue>>"
        FROM artifacts WHERE tenant_id = $1 AND env = $2 AND id = ANY ($3)"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        ids as _,
    )
    .fetch(conn);
    let (mut found, mut bytes) = (HashMap::new(), 0);
    while let Some(row) = rows.try_next().await? {
        bytes += row.meta.get().len();
        if bytes > MAX_SHOT_LIST_BYTES {
            return Err(Error::ShotListTooLarge);
        }
        found.insert(row.id.clone(), row);
    }
    Ok(found)
}

/// The duration, if known, of each of the recordings that this owner has.
pub(crate) async fn find_lengths(
    conn: &mut PgConnection,
    scope: &Scope,
    ids: &[Id],
) -> Result<HashMap<Id, Option<MediaTime>>, Error> {
    let ids: Vec<&str> = ids.iter().map(Id::as_str).collect();
    let rows = sqlx::query!(
        r#"-- audio_to_video_origin::find_lengths
        SELECT id AS "id: Id", duration_us FROM media_assets WHERE tenant_id = $1 AND env = $2 AND id = ANY ($3)"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        ids as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.duration_us.map(MediaTime::from_micros))).collect())
}

/// A semantic timeline as described by its artifact.
#[derive(Clone, Debug)]
pub(crate) struct TimelineRow {
    pub(crate) id: Id,
    pub(crate) uri: String,
    pub(crate) content_sha256: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) cache_key: Option<String>,
    pub(crate) backend_type: Option<String>,
    /// Whether it was made from an artifact instead of the whole recording.
    pub(crate) of_artifact: bool,
}

/// The timelines with these ids, ordered by id.
pub(crate) async fn find_timeline_rows(
    conn: &mut PgConnection,
    scope: &Scope,
    ids: &[Id],
) -> Result<Vec<TimelineRow>, Error> {
    let ids: Vec<&str> = ids.iter().map(Id::as_str).collect();
    Ok(sqlx::query_as!(
        TimelineRow,
        r#"-- audio_to_video_origin::find_timeline_rows
        SELECT id AS "id: Id", uri, content_sha256,
            coalesce(meta ->> 'semantic_version', meta ->> 'backend_version') AS version,
            coalesce(meta ->> 'audio_semantic_cache_key', meta ->> 'cache_key') AS cache_key,
            meta ->> 'backend_type' AS backend_type,
            (meta ->> 'source_artifact_id' IS NOT NULL) AS "of_artifact!"
        FROM artifacts WHERE tenant_id = $1 AND env = $2 AND id = ANY ($3) ORDER BY id"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        ids as _,
    )
    .fetch_all(conn)
    .await?)
}
