use media_time::{AssetTime, TimelineTime};
use primitives::{Id, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::no_parent;
use super::record::Record;
use crate::error::{Entity, Error};
use crate::model::{Clip, Meta};

/// A row of the table of clips; times in microseconds.
pub(super) struct Row {
    pub(super) id: Id,
    pub(super) track_id: Id,
    pub(super) asset_id: Id,
    pub(super) artifact_id: Option<Id>,
    pub(super) in_us: i64,
    pub(super) out_us: i64,
    pub(super) start_us: i64,
    pub(super) speed: f64,
    pub(super) volume_db: f64,
    pub(super) opacity: f64,
    pub(super) meta: Json<Meta>,
}

impl From<Row> for Clip {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            track_id: row.track_id,
            asset_id: row.asset_id,
            artifact_id: row.artifact_id,
            in_point: AssetTime::from_micros(row.in_us),
            out_point: AssetTime::from_micros(row.out_us),
            timeline_start: TimelineTime::from_micros(row.start_us),
            speed: row.speed,
            volume_db: row.volume_db,
            opacity: row.opacity,
            meta: row.meta.0,
        }
    }
}

/// Inserts all `clips` of one track in one statement.
pub(crate) async fn insert_all(
    connection: &mut PgConnection,
    scope: &Scope,
    track_id: &Id,
    clips: &[Clip],
) -> Result<(), Error> {
    fn column<'a, T>(clips: &'a [Clip], of: impl Fn(&'a Clip) -> T) -> Vec<T> {
        clips.iter().map(of).collect()
    }
    sqlx::query!(
        "-- video_timeline::clips::insert_all
         INSERT INTO video_clips (tenant_id, env, track_id, id, asset_id, artifact_id, in_us, out_us, start_us,
             speed, volume_db, opacity, meta)
         SELECT $1, $2, $3, * FROM UNNEST($4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
             $9::bigint[], $10::float8[], $11::float8[], $12::float8[], $13::jsonb[])",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        track_id.as_str(),
        column(clips, |clip| clip.id.as_str()) as _,
        column(clips, |clip| clip.asset_id.as_str()) as _,
        column(clips, |clip| clip.artifact_id.as_ref().map(Id::as_str)) as _,
        &column(clips, |clip| clip.in_point.as_micros()),
        &column(clips, |clip| clip.out_point.as_micros()),
        &column(clips, |clip| clip.timeline_start.as_micros()),
        &column(clips, |clip| clip.speed),
        &column(clips, |clip| clip.volume_db),
        &column(clips, |clip| clip.opacity),
        column(clips, |clip| Json(&clip.meta)) as _,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(|error| no_parent(error, "video_clips_track", Entity::Track, track_id))
}

/// Reads a clip and locks it until the transaction ends.
pub(crate) async fn lock(
    connection: &mut PgConnection,
    scope: &Scope,
    id: &Id,
) -> sqlx::Result<Option<Clip>> {
    sqlx::query_as!(
        Row,
        r#"-- video_timeline::clips::lock
         SELECT id AS "id: Id", track_id AS "track_id: Id", asset_id AS "asset_id: Id",
             artifact_id AS "artifact_id: Id", in_us, out_us, start_us, speed, volume_db, opacity,
             meta AS "meta: Json<Meta>"
         FROM video_clips WHERE tenant_id = $1 AND env = $2 AND id = $3 FOR UPDATE"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    )
    .fetch_optional(connection)
    .await
    .map(|row| row.map(Clip::from))
}

pub(crate) async fn update(connection: &mut PgConnection, scope: &Scope, clip: &Clip) -> Result<(), Error> {
    sqlx::query!(
        "-- video_timeline::clips::update
         UPDATE video_clips
         SET track_id = $4, asset_id = $5, artifact_id = $6, in_us = $7, out_us = $8, start_us = $9, speed = $10,
             volume_db = $11, opacity = $12, meta = $13
         WHERE tenant_id = $1 AND env = $2 AND id = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        clip.id.as_str(),
        clip.track_id.as_str(),
        clip.asset_id.as_str(),
        clip.artifact_id.as_ref().map(Id::as_str),
        clip.in_point.as_micros(),
        clip.out_point.as_micros(),
        clip.timeline_start.as_micros(),
        clip.speed,
        clip.volume_db,
        clip.opacity,
        Json(&clip.meta) as _,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(|error| no_parent(error, "video_clips_track", Entity::Track, &clip.track_id))
}

impl Record for Clip {
    const KIND: Entity = Entity::Clip;

    async fn find(connection: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<Option<Clip>> {
        sqlx::query_as!(
            Row,
            r#"-- video_timeline::clips::find
         SELECT id AS "id: Id", track_id AS "track_id: Id", asset_id AS "asset_id: Id",
             artifact_id AS "artifact_id: Id", in_us, out_us, start_us, speed, volume_db, opacity,
             meta AS "meta: Json<Meta>"
         FROM video_clips WHERE tenant_id = $1 AND env = $2 AND id = $3"#,
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            id.as_str(),
        )
        .fetch_optional(connection)
        .await
        .map(|row| row.map(Clip::from))
    }

    async fn delete(connection: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<bool> {
        let deleted = sqlx::query!(
            "-- video_timeline::clips::delete
         DELETE FROM video_clips WHERE tenant_id = $1 AND env = $2 AND id = $3",
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            id.as_str(),
        )
        .execute(connection)
        .await?;
        Ok(deleted.rows_affected() > 0)
    }
}
