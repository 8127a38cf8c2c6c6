//! Listings of clips: by start on the timeline (or, for a window of an asset, in the asset), then id; each fetches one
//! row more than the page has.

use media_time::AssetTime;
use primitives::{Id, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::clips::Row;
use crate::model::{Clip, Meta};
use crate::page::InOrder;

/// Fetches a page of clips. `$name` is the function's name, `$rest` the SQL after `SELECT … FROM video_clips c`. `$1`
/// and `$2` are the owner, `$3` to `$5` the page; the arguments follow from `$6`.
macro_rules! list {
    ($connection:expr, $scope:expr, $page:expr, $name:literal, $rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            "-- video_timeline::clip_lists::" + $name + "
             SELECT c.id AS \"id: Id\", c.track_id AS \"track_id: Id\", c.asset_id AS \"asset_id: Id\",
                 c.artifact_id AS \"artifact_id: Id\", c.in_us, c.out_us, c.start_us, c.speed, c.volume_db,
                 c.opacity, c.meta AS \"meta: Json<Meta>\"
             FROM video_clips c " + $rest,
            $scope.tenant_id.as_str(),
            $scope.env.as_str(),
            $page.after_key,
            $page.after_id,
            $page.limit.with_next_row(),
            $($argument),+
        )
        .fetch_all($connection)
        .await
        .map(|rows| rows.into_iter().map(Clip::from).collect())
    };
}

pub(crate) async fn of_track(
    connection: &mut PgConnection,
    scope: &Scope,
    track_id: &Id,
    page: &InOrder,
) -> sqlx::Result<Vec<Clip>> {
    list!(
        connection,
        scope,
        page,
        "of_track",
        "WHERE c.tenant_id = $1 AND c.env = $2 AND c.track_id = $6 AND (c.start_us, c.id) > ($3, $4)
         ORDER BY c.start_us, c.id LIMIT $5",
        track_id.as_str(),
    )
}

pub(crate) async fn of_sequence(
    connection: &mut PgConnection,
    scope: &Scope,
    sequence_id: &Id,
    page: &InOrder,
) -> sqlx::Result<Vec<Clip>> {
    list!(
        connection,
        scope,
        page,
        "of_sequence",
        "JOIN video_tracks t USING (tenant_id, env)
         WHERE tenant_id = $1 AND env = $2 AND t.id = c.track_id AND t.sequence_id = $6
           AND (c.start_us, c.id) > ($3, $4)
         ORDER BY c.start_us, c.id LIMIT $5",
        sequence_id.as_str(),
    )
}

pub(crate) async fn of_asset(
    connection: &mut PgConnection,
    scope: &Scope,
    asset_id: &Id,
    page: &InOrder,
) -> sqlx::Result<Vec<Clip>> {
    list!(
        connection,
        scope,
        page,
        "of_asset",
        "WHERE c.tenant_id = $1 AND c.env = $2 AND c.asset_id = $6 AND (c.start_us, c.id) > ($3, $4)
         ORDER BY c.start_us, c.id LIMIT $5",
        asset_id.as_str(),
    )
}

pub(crate) async fn of_artifacts(
    connection: &mut PgConnection,
    scope: &Scope,
    artifact_ids: &[Id],
    page: &InOrder,
) -> sqlx::Result<Vec<Clip>> {
    let ids: Vec<&str> = artifact_ids.iter().map(Id::as_str).collect();
    list!(
        connection,
        scope,
        page,
        "of_artifacts",
        "WHERE c.tenant_id = $1 AND c.env = $2 AND c.artifact_id = ANY ($6) AND (c.start_us, c.id) > ($3, $4)
         ORDER BY c.start_us, c.id LIMIT $5",
        ids as _,
    )
}

/// Clips that show the window, ordered by start in the asset.
pub(crate) async fn showing(
    connection: &mut PgConnection,
    scope: &Scope,
    asset_id: &Id,
    start: AssetTime,
    end: Option<AssetTime>,
    page: &InOrder,
) -> sqlx::Result<Vec<Clip>> {
    list!(
        connection,
        scope,
        page,
        "showing",
        "WHERE c.tenant_id = $1 AND c.env = $2 AND c.asset_id = $6 AND c.in_us < $8 AND c.out_us > $7
           AND (c.in_us, c.id) > ($3, $4)
         ORDER BY c.in_us, c.id LIMIT $5",
        asset_id.as_str(),
        start.as_micros(),
        end.map_or(i64::MAX, AssetTime::as_micros),
    )
}
