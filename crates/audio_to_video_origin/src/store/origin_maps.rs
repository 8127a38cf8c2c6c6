use std::collections::HashSet;

use chrono::{DateTime, Utc};
use media_time::{AssetTime, MediaTime};
use media_v2::Meta;
use primitives::{Id, Page, PageParams, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::{ClipOffset, Error, NewOriginMap, OriginMap};

/// The pieces of a map as stored in their column: `[offset, duration]` in microseconds.
pub(super) type Pieces = Json<Vec<[i64; 2]>>;

struct Row {
    audio_artifact_id: Id,
    parent_asset_id: Id,
    source_start_us: i64,
    source_end_us: i64,
    clip_offsets_us: Option<Pieces>,
    created_at: DateTime<Utc>,
    meta: Json<Meta>,
}

/// Those of the artifacts, each given as tenant, environment and id, that have their own map. Queries all owners: for
/// operators' commands, not for requests.
///
/// # Errors
/// Database errors.
pub async fn mapped_artifacts(
    conn: &mut PgConnection,
    artifacts: &[[&Id; 3]],
) -> sqlx::Result<HashSet<[Id; 3]>> {
    let column = |n: usize| artifacts.iter().map(|artifact| artifact[n].as_str()).collect::<Vec<_>>();
    let rows = sqlx::query!(
        r#"-- audio_to_video_origin::mapped_artifacts
        SELECT tenant_id AS "tenant_id: Id", env AS "env: Id", audio_artifact_id AS "id: Id" FROM origin_maps
        WHERE (tenant_id, env, audio_artifact_id) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))"#,
        column(0) as _,
        column(1) as _,
        column(2) as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| [row.tenant_id, row.env, row.id]).collect())
}

/// Inserts maps of artifacts that have none yet, created at `now`, in one statement, inside the caller's transaction:
/// callers register artifacts together with their origins.
///
/// The window is not checked against the recording's duration: the caller extracted it, and the decoded audio may be a
/// little longer than the container's declared duration.
///
/// # Errors
/// [`Error::Invalid`] when a map breaks a [rule](NewOriginMap::violations); database errors, also for an artifact or
/// asset that this owner does not have, and for an artifact that has a map.
pub async fn insert_origin_maps(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    maps: &[NewOriginMap],
) -> Result<(), Error> {
    fn column<'a, T>(maps: &'a [NewOriginMap], field: impl Fn(&'a NewOriginMap) -> T) -> Vec<T> {
        maps.iter().map(field).collect()
    }
    let violations: Vec<_> = maps.iter().flat_map(NewOriginMap::violations).collect();
    if !violations.is_empty() {
        return Err(Error::Invalid(violations));
    }
    sqlx::query!(
        "-- audio_to_video_origin::insert_origin_maps
         INSERT INTO origin_maps (tenant_id, env, audio_artifact_id, parent_asset_id, source_start_us, source_end_us,
             clip_offsets_us, created_at)
         SELECT $1, $2, new.audio_artifact_id, new.parent_asset_id, new.source_start_us, new.source_end_us,
             new.clip_offsets_us, $3
         FROM unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::jsonb[])
             AS new (audio_artifact_id, parent_asset_id, source_start_us, source_end_us, clip_offsets_us)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        now,
        column(maps, |map| map.audio_artifact_id.as_str()) as _,
        column(maps, |map| map.parent_asset_id.as_str()) as _,
        &column(maps, |map| map.source_start.as_micros()),
        &column(maps, |map| map.source_end.as_micros()),
        column(maps, |map| pieces(map.clip_offsets.as_deref())) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores the map, replacing the artifact's existing one; a new one is created at `now`.
///
/// # Errors
/// [`Error::Invalid`] when it breaks a [rule](NewOriginMap::violations); database errors, also for an artifact or asset
/// that this owner does not have.
pub async fn put_origin_map(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    map: &NewOriginMap,
) -> Result<OriginMap, Error> {
    let stored = upsert(conn, scope, now, map, &Meta::default(), false).await?;
    Ok(stored.ok_or(sqlx::Error::RowNotFound)?)
}

/// Stores a map that was found by the audio, with its `meta`, which has `found_by`; created at `now`. It replaces an earlier
/// found one; `None` if the artifact has another map, which stays.
///
/// # Errors
/// As [`put_origin_map`].
pub async fn put_found_origin_map(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    map: &NewOriginMap,
    meta: &Meta,
) -> Result<Option<OriginMap>, Error> {
    upsert(conn, scope, now, map, meta, true).await
}

/// Stores a map in the place of an earlier one; with `only_found`, only of a found one: else `None`.
async fn upsert(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    map: &NewOriginMap,
    meta: &Meta,
    only_found: bool,
) -> Result<Option<OriginMap>, Error> {
    let violations = map.violations();
    if !violations.is_empty() {
        return Err(Error::Invalid(violations));
    }
    let row = sqlx::query_as!(
        Row,
        r#"-- audio_to_video_origin::put_origin_map
        INSERT INTO origin_maps AS known (tenant_id, env, audio_artifact_id, parent_asset_id, source_start_us,
            source_end_us, clip_offsets_us, created_at, meta)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (tenant_id, env, audio_artifact_id) DO UPDATE
        SET parent_asset_id = excluded.parent_asset_id, source_start_us = excluded.source_start_us,
            source_end_us = excluded.source_end_us, clip_offsets_us = excluded.clip_offsets_us, meta = excluded.meta
        WHERE NOT $10 OR known.meta ? 'found_by'
        RETURNING audio_artifact_id AS "audio_artifact_id: Id", parent_asset_id AS "parent_asset_id: Id",
            source_start_us, source_end_us, clip_offsets_us AS "clip_offsets_us: Pieces", created_at,
            meta AS "meta: Json<Meta>""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        map.audio_artifact_id.as_str(),
        map.parent_asset_id.as_str(),
        map.source_start.as_micros(),
        map.source_end.as_micros(),
        pieces(map.clip_offsets.as_deref()) as _,
        now,
        Json(meta) as _,
        only_found,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(OriginMap::from))
}

/// The artifact's own map, if any.
///
/// # Errors
/// Database errors.
pub async fn find_origin_map(
    conn: &mut PgConnection,
    scope: &Scope,
    audio_artifact_id: &Id,
) -> Result<Option<OriginMap>, Error> {
    Ok(find_origin_maps(conn, scope, std::slice::from_ref(audio_artifact_id)).await?.pop())
}

/// The own maps of those of the artifacts that have one, ordered by artifact id.
///
/// # Errors
/// Database errors.
pub async fn find_origin_maps(
    conn: &mut PgConnection,
    scope: &Scope,
    audio_artifact_ids: &[Id],
) -> Result<Vec<OriginMap>, Error> {
    let ids: Vec<&str> = audio_artifact_ids.iter().map(Id::as_str).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"-- audio_to_video_origin::find_origin_maps
        SELECT audio_artifact_id AS "audio_artifact_id: Id", parent_asset_id AS "parent_asset_id: Id",
            source_start_us, source_end_us, clip_offsets_us AS "clip_offsets_us: Pieces", created_at,
            meta AS "meta: Json<Meta>"
        FROM origin_maps WHERE tenant_id = $1 AND env = $2 AND audio_artifact_id = ANY ($3)
        ORDER BY audio_artifact_id"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        ids as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(OriginMap::from).collect())
}

/// A page of the maps into a recording, newest first.
///
/// # Errors
/// Database errors.
pub async fn list_by_asset(
    conn: &mut PgConnection,
    scope: &Scope,
    parent_asset_id: &Id,
    page: &PageParams,
) -> Result<Page<OriginMap>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- audio_to_video_origin::list_by_asset
        SELECT audio_artifact_id AS "audio_artifact_id: Id", parent_asset_id AS "parent_asset_id: Id",
            source_start_us, source_end_us, clip_offsets_us AS "clip_offsets_us: Pieces", created_at,
            meta AS "meta: Json<Meta>"
        FROM origin_maps
        WHERE tenant_id = $1 AND env = $2 AND parent_asset_id = $3
          AND ($4::timestamptz IS NULL OR (created_at, audio_artifact_id) < ($4, $5))
        ORDER BY created_at DESC, audio_artifact_id DESC LIMIT $6"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        parent_asset_id.as_str(),
        page.after.as_ref().map(|after| after.key),
        page.after.as_ref().map_or("", |after| after.id.as_str()),
        page.limit.with_next_row(),
    )
    .fetch_all(conn)
    .await?;
    let maps = rows.into_iter().map(OriginMap::from).collect();
    Ok(Page::from_rows(maps, page.limit, OriginMap::cursor))
}

fn pieces(offsets: Option<&[ClipOffset]>) -> Option<Pieces> {
    let micros = |piece: &ClipOffset| [piece.offset.as_micros(), piece.duration.as_micros()];
    offsets.map(|pieces| Json(pieces.iter().map(micros).collect()))
}

pub(super) fn clip_offsets(pieces: Pieces) -> Vec<ClipOffset> {
    let piece = |[offset, duration]: [i64; 2]| ClipOffset {
        offset: MediaTime::from_micros(offset),
        duration: MediaTime::from_micros(duration),
    };
    pieces.0.into_iter().map(piece).collect()
}

impl From<Row> for OriginMap {
    fn from(row: Row) -> Self {
        Self {
            audio_artifact_id: row.audio_artifact_id,
            parent_asset_id: row.parent_asset_id,
            source_start: AssetTime::from_micros(row.source_start_us),
            source_end: AssetTime::from_micros(row.source_end_us),
            clip_offsets: row.clip_offsets_us.map(clip_offsets),
            created_at: row.created_at,
            meta: row.meta.0,
        }
    }
}
