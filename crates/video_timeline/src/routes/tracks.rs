use axum::extract::State;
use http::StatusCode;
use http_kit::codes::{INVALID_BODY, INVALID_CURSOR, INVALID_QUERY};
use http_kit::{ContextJson, InContext, Json, Path, Problem, Query, RequestContext, path_id};
use primitives::Page;

use super::parameters::ListQuery;
use crate::codes::{SEQUENCE_NOT_FOUND, TRACK_NOT_FOUND};
use crate::model::{NewTrack, Track, TrackPatch};
use crate::service::TimelineService;

type NewTrackRequest = InContext<NewTrack>;
type TrackPatchRequest = InContext<TrackPatch>;

http_kit::error_responses!(CreateErrors: SEQUENCE_NOT_FOUND, INVALID_BODY);

/// Create a track of a sequence.
#[utoipa::path(post, path = "/video/sequences/{sequence_id}/tracks",
    operation_id = "create_track", tag = "video_timeline",
    params(("sequence_id" = String, Path)), request_body = NewTrackRequest,
    responses((status = 201, body = Track), CreateErrors))]
pub(super) async fn create(
    State(service): State<TimelineService>,
    Path(sequence_id): Path<String>,
    ContextJson(context, new): ContextJson<NewTrackRequest>,
) -> Result<(StatusCode, Json<Track>), Problem> {
    let sequence_id = path_id(&sequence_id, SEQUENCE_NOT_FOUND)?;
    let track = service.create_child::<Track>(&context, &sequence_id, &new.body).await?;
    Ok((StatusCode::CREATED, Json(track)))
}

http_kit::error_responses!(ListErrors: SEQUENCE_NOT_FOUND, INVALID_QUERY, INVALID_CURSOR);

/// List the tracks of a sequence, by position.
#[utoipa::path(get, path = "/video/sequences/{sequence_id}/tracks",
    operation_id = "list_tracks", tag = "video_timeline",
    params(("sequence_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<Track>), ListErrors))]
pub(super) async fn list(
    State(service): State<TimelineService>,
    Path(sequence_id): Path<String>,
    context: RequestContext,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Track>>, Problem> {
    let sequence_id = path_id(&sequence_id, SEQUENCE_NOT_FOUND)?;
    Ok(Json(service.children(&context, &sequence_id, &query.try_into()?).await?))
}

http_kit::error_responses!(TrackErrors: TRACK_NOT_FOUND);

/// Get a track by its id.
#[utoipa::path(get, path = "/video/tracks/{track_id}", operation_id = "get_track", tag = "video_timeline",
    params(("track_id" = String, Path)),
    responses((status = 200, body = Track), TrackErrors))]
pub(super) async fn read(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    context: RequestContext,
) -> Result<Json<Track>, Problem> {
    let id = path_id(&id, TRACK_NOT_FOUND)?;
    Ok(Json(service.get(&context, &id).await?))
}

http_kit::error_responses!(UpdateErrors: TRACK_NOT_FOUND, INVALID_BODY);

/// Change fields of a track.
#[utoipa::path(patch, path = "/video/tracks/{track_id}",
    operation_id = "update_track", tag = "video_timeline",
    params(("track_id" = String, Path)), request_body = TrackPatchRequest,
    responses((status = 200, body = Track), UpdateErrors))]
pub(super) async fn update(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    ContextJson(context, patch): ContextJson<TrackPatchRequest>,
) -> Result<Json<Track>, Problem> {
    let id = path_id(&id, TRACK_NOT_FOUND)?;
    Ok(Json(service.update::<Track>(&context, &id, &patch.body).await?))
}

/// Delete a track with its clips.
#[utoipa::path(delete, path = "/video/tracks/{track_id}",
    operation_id = "delete_track", tag = "video_timeline",
    params(("track_id" = String, Path)),
    responses((status = 204, description = "deleted"), TrackErrors))]
pub(super) async fn delete(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    context: RequestContext,
) -> Result<StatusCode, Problem> {
    let id = path_id(&id, TRACK_NOT_FOUND)?;
    service.delete::<Track>(&context, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
