//! Listings of clips: by begin on the timeline (or, in a window of an asset, in the asset), then id; one row more than
//! the page has.

use http_kit::{Id, Scope};
use media_time::MediaTime;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::clips::Row;
use crate::model::{Clip, Meta};
use crate::page::InOrder;

pub(crate) async fn of_track(
    connection: &mut PgConnection,
    scope: &Scope,
    track_id: &Id,
    page: &InOrder,
) -> sqlx::Result<Vec<Clip>> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- video_timeline::clip_lists::of_track
         SELECT c.id AS "id: Id", c.track_id AS "track_id: Id", c.asset_id AS "asset_id: Id",
             c.artifact_id AS "artifact_id: Id", c.in_us, c.out_us, c.start_us, c.speed, c.volume_db, c.opacity,
             c.meta AS "meta: Json<Meta>"
         FROM video_clips c
         WHERE c.tenant_id = $1 AND c.env = $2 AND c.track_id = $3
           AND (c.start_us, c.id) > ($4, $5)
         ORDER BY c.start_us, c.id LIMIT $6"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        track_id.as_str(),
        page.after_key,
        page.after_id,
        page.limit + 1,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Clip::from).collect())
}

pub(crate) async fn of_sequence(
    connection: &mut PgConnection,
    scope: &Scope,
    sequence_id: &Id,
    page: &InOrder,
) -> sqlx::Result<Vec<Clip>> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- video_timeline::clip_lists::of_sequence
         SELECT c.id AS "id: Id", c.track_id AS "track_id: Id", c.asset_id AS "asset_id: Id",
             c.artifact_id AS "artifact_id: Id", c.in_us, c.out_us, c.start_us, c.speed, c.volume_db, c.opacity,
             c.meta AS "meta: Json<Meta>"
         FROM video_clips c JOIN video_tracks t USING (tenant_id, env)
         WHERE tenant_id = $1 AND env = $2 AND t.id = c.track_id AND t.sequence_id = $3
           AND (c.start_us, c.id) > ($4, $5)
         ORDER BY c.start_us, c.id LIMIT $6"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        sequence_id.as_str(),
        page.after_key,
        page.after_id,
        page.limit + 1,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Clip::from).collect())
}

pub(crate) async fn of_asset(
    connection: &mut PgConnection,
    scope: &Scope,
    asset_id: &Id,
    page: &InOrder,
) -> sqlx::Result<Vec<Clip>> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- video_timeline::clip_lists::of_asset
         SELECT c.id AS "id: Id", c.track_id AS "track_id: Id", c.asset_id AS "asset_id: Id",
             c.artifact_id AS "artifact_id: Id", c.in_us, c.out_us, c.start_us, c.speed, c.volume_db, c.opacity,
             c.meta AS "meta: Json<Meta>"
         FROM video_clips c
         WHERE c.tenant_id = $1 AND c.env = $2 AND c.asset_id = $3
           AND (c.start_us, c.id) > ($4, $5)
         ORDER BY c.start_us, c.id LIMIT $6"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        asset_id.as_str(),
        page.after_key,
        page.after_id,
        page.limit + 1,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Clip::from).collect())
}

pub(crate) async fn of_artifact(
    connection: &mut PgConnection,
    scope: &Scope,
    artifact_id: &Id,
    page: &InOrder,
) -> sqlx::Result<Vec<Clip>> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- video_timeline::clip_lists::of_artifact
         SELECT c.id AS "id: Id", c.track_id AS "track_id: Id", c.asset_id AS "asset_id: Id",
             c.artifact_id AS "artifact_id: Id", c.in_us, c.out_us, c.start_us, c.speed, c.volume_db, c.opacity,
             c.meta AS "meta: Json<Meta>"
         FROM video_clips c
         WHERE c.tenant_id = $1 AND c.env = $2 AND c.artifact_id = $3
           AND (c.start_us, c.id) > ($4, $5)
         ORDER BY c.start_us, c.id LIMIT $6"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        artifact_id.as_str(),
        page.after_key,
        page.after_id,
        page.limit + 1,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Clip::from).collect())
}

pub(crate) async fn of_artifacts(
    connection: &mut PgConnection,
    scope: &Scope,
    artifact_ids: &[Id],
    page: &InOrder,
) -> sqlx::Result<Vec<Clip>> {
    let ids: Vec<&str> = artifact_ids.iter().map(Id::as_str).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"-- video_timeline::clip_lists::of_artifacts
         SELECT c.id AS "id: Id", c.track_id AS "track_id: Id", c.asset_id AS "asset_id: Id",
             c.artifact_id AS "artifact_id: Id", c.in_us, c.out_us, c.start_us, c.speed, c.volume_db, c.opacity,
             c.meta AS "meta: Json<Meta>"
         FROM video_clips c
         WHERE c.tenant_id = $1 AND c.env = $2 AND c.artifact_id = ANY ($3)
           AND (c.start_us, c.id) > ($4, $5)
         ORDER BY c.start_us, c.id LIMIT $6"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        ids as _,
        page.after_key,
        page.after_id,
        page.limit + 1,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Clip::from).collect())
}

/// By begin in the asset.
pub(crate) async fn showing(
    connection: &mut PgConnection,
    scope: &Scope,
    asset_id: &Id,
    start: MediaTime,
    end: Option<MediaTime>,
    page: &InOrder,
) -> sqlx::Result<Vec<Clip>> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- video_timeline::clip_lists::showing
         SELECT c.id AS "id: Id", c.track_id AS "track_id: Id", c.asset_id AS "asset_id: Id",
             c.artifact_id AS "artifact_id: Id", c.in_us, c.out_us, c.start_us, c.speed, c.volume_db, c.opacity,
             c.meta AS "meta: Json<Meta>"
         FROM video_clips c
         WHERE c.tenant_id = $1 AND c.env = $2 AND c.asset_id = $3 AND c.in_us < $5 AND c.out_us > $4
           AND (c.in_us, c.id) > ($6, $7)
         ORDER BY c.in_us, c.id LIMIT $8"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        asset_id.as_str(),
        start.as_micros(),
        end.map_or(i64::MAX, MediaTime::as_micros),
        page.after_key,
        page.after_id,
        page.limit + 1,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Clip::from).collect())
}
