use axum::extract::State;
use http::StatusCode;
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY, INVALID_CURSOR, INVALID_QUERY};
use http_kit::{ContextJson, InContext, Json, Path, Problem, Query, RequestContext, path_id};
use media_time::AssetTime;
use primitives::{Id, Page, PageLimit};
use serde::Deserialize;

use super::parameters::ListQuery;
use crate::client::ClipFilter;
use crate::codes::{CLIP_NOT_FOUND, SEQUENCE_NOT_FOUND, TRACK_NOT_FOUND};
use crate::error::Error;
use crate::model::{Clip, ClipPatch, NewClip, NewClips};
use crate::page::Paging;
use crate::service::TimelineService;

type ClipPatchRequest = InContext<ClipPatch>;
type NewClipRequest = InContext<NewClip>;
type NewClipsRequest = InContext<NewClips>;

http_kit::error_responses!(CreateErrors: TRACK_NOT_FOUND, ASSET_NOT_FOUND, ARTIFACT_NOT_FOUND, INVALID_BODY);

/// Create a clip on a track.
#[utoipa::path(post, path = "/video/tracks/{track_id}/clips",
    operation_id = "create_clip", tag = "video_timeline",
    params(("track_id" = String, Path)), request_body = NewClipRequest,
    responses((status = 201, body = Clip), CreateErrors))]
pub(super) async fn create(
    State(service): State<TimelineService>,
    Path(track_id): Path<String>,
    ContextJson(context, new): ContextJson<NewClipRequest>,
) -> Result<(StatusCode, Json<Clip>), Problem> {
    let track_id = path_id(&track_id, TRACK_NOT_FOUND)?;
    let clip = service.create_clip(&context, &track_id, new.body).await?;
    Ok((StatusCode::CREATED, Json(clip)))
}

/// Create many clips on a track.
///
/// All or none are created. The response is in the order given.
#[utoipa::path(post, path = "/video/tracks/{track_id}/clips/batch",
    operation_id = "create_clips", tag = "video_timeline",
    params(("track_id" = String, Path)), request_body = NewClipsRequest,
    responses((status = 201, body = Vec<Clip>), CreateErrors))]
pub(super) async fn create_many(
    State(service): State<TimelineService>,
    Path(track_id): Path<String>,
    ContextJson(context, new): ContextJson<NewClipsRequest>,
) -> Result<(StatusCode, Json<Vec<Clip>>), Problem> {
    let track_id = path_id(&track_id, TRACK_NOT_FOUND)?;
    let clips = service.create_clips(&context, &track_id, new.body.clips).await?;
    Ok((StatusCode::CREATED, Json(clips)))
}

http_kit::error_responses!(ListOfTrackErrors: TRACK_NOT_FOUND, INVALID_QUERY, INVALID_CURSOR);

/// List the clips of a track, by start on the timeline.
#[utoipa::path(get, path = "/video/tracks/{track_id}/clips",
    operation_id = "list_clips_of_track", tag = "video_timeline",
    params(("track_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<Clip>), ListOfTrackErrors))]
pub(super) async fn list_of_track(
    State(service): State<TimelineService>,
    Path(track_id): Path<String>,
    context: RequestContext,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Clip>>, Problem> {
    let filter = ClipFilter::Track(path_id(&track_id, TRACK_NOT_FOUND)?);
    Ok(Json(service.clips(&context, &filter, &query.try_into()?).await?))
}

http_kit::error_responses!(ListOfSequenceErrors: SEQUENCE_NOT_FOUND, INVALID_QUERY, INVALID_CURSOR);

/// List the clips of every track of a sequence, by start on the timeline.
#[utoipa::path(get, path = "/video/sequences/{sequence_id}/clips",
    operation_id = "list_clips_of_sequence", tag = "video_timeline",
    params(("sequence_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<Clip>), ListOfSequenceErrors))]
pub(super) async fn list_of_sequence(
    State(service): State<TimelineService>,
    Path(sequence_id): Path<String>,
    context: RequestContext,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Clip>>, Problem> {
    let filter = ClipFilter::Sequence(path_id(&sequence_id, SEQUENCE_NOT_FOUND)?);
    Ok(Json(service.clips(&context, &filter, &query.try_into()?).await?))
}

/// Selects clips by an asset, a window of one, an artifact, or several artifacts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UsesQuery {
    /// The asset that the clips play.
    asset_id: Option<Id>,
    /// With `asset_id`: only clips that play an instant at or after this one, by start in the asset.
    #[serde(rename = "start_ms")]
    start: Option<AssetTime>,
    /// With `start_ms`: only clips that also play an instant before this one.
    #[serde(rename = "end_ms")]
    end: Option<AssetTime>,
    /// The artifact that the clips represent.
    artifact_id: Option<Id>,
    /// The artifacts that the clips represent, separated by commas: 1–100.
    artifact_ids: Option<String>,
    /// Maximum number of rows on the page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

impl UsesQuery {
    fn filter(self) -> Result<(ClipFilter, Paging), Error> {
        let window = (self.start, self.end);
        let filter = match (self.asset_id, self.artifact_id, self.artifact_ids, window) {
            (Some(id), None, None, (None, None)) => ClipFilter::Asset(id),
            (Some(asset_id), None, None, (Some(start), end)) => ClipFilter::Showing { asset_id, start, end },
            (None, Some(id), None, (None, None)) => ClipFilter::Artifact(id),
            (None, None, Some(ids), (None, None)) => {
                let ids: Result<_, _> = ids.split(',').map(str::parse).collect();
                ClipFilter::Artifacts(ids.map_err(|error| invalid("artifact_ids", error))?)
            }
            _ => {
                let expected = "expected one of asset_id, asset_id with start_ms, artifact_id, artifact_ids";
                return Err(invalid("asset_id", expected));
            }
        };
        Ok((filter, Paging { limit: PageLimit::from_query(self.limit)?, cursor: self.cursor }))
    }
}

fn invalid(parameter: &str, detail: impl ToString) -> Error {
    Error::InvalidQuery { parameter: parameter.to_owned(), detail: detail.to_string() }
}

http_kit::error_responses!(ListUsesErrors: INVALID_QUERY, INVALID_CURSOR);

/// List the clips that use an asset, a window of one, or artifacts.
///
/// In any project, by start on the timeline; clips in a window by start in the asset.
#[utoipa::path(get, path = "/video/clips",
    operation_id = "list_clips_using", tag = "video_timeline", params(UsesQuery),
    responses((status = 200, body = Page<Clip>), ListUsesErrors))]
pub(super) async fn list_uses(
    State(service): State<TimelineService>,
    context: RequestContext,
    Query(query): Query<UsesQuery>,
) -> Result<Json<Page<Clip>>, Problem> {
    let (filter, paging) = query.filter()?;
    Ok(Json(service.clips(&context, &filter, &paging).await?))
}

http_kit::error_responses!(ClipErrors: CLIP_NOT_FOUND);

/// Get a clip by its id.
#[utoipa::path(get, path = "/video/clips/{clip_id}", operation_id = "get_clip", tag = "video_timeline",
    params(("clip_id" = String, Path)),
    responses((status = 200, body = Clip), ClipErrors))]
pub(super) async fn read(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    context: RequestContext,
) -> Result<Json<Clip>, Problem> {
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    Ok(Json(service.get(&context, &id).await?))
}

http_kit::error_responses!(UpdateErrors: CLIP_NOT_FOUND, ASSET_NOT_FOUND, ARTIFACT_NOT_FOUND, INVALID_BODY);

/// Change fields of a clip; a move changes its track.
#[utoipa::path(patch, path = "/video/clips/{clip_id}", operation_id = "update_clip", tag = "video_timeline",
    params(("clip_id" = String, Path)), request_body = ClipPatchRequest,
    responses((status = 200, body = Clip), UpdateErrors))]
pub(super) async fn update(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    ContextJson(context, patch): ContextJson<ClipPatchRequest>,
) -> Result<Json<Clip>, Problem> {
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    Ok(Json(service.update_clip(&context, &id, patch.body).await?))
}

/// Delete a clip.
#[utoipa::path(delete, path = "/video/clips/{clip_id}", operation_id = "delete_clip", tag = "video_timeline",
    params(("clip_id" = String, Path)),
    responses((status = 204, description = "deleted"), ClipErrors))]
pub(super) async fn delete(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    context: RequestContext,
) -> Result<StatusCode, Problem> {
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    service.delete::<Clip>(&context, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
