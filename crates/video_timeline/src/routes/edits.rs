use axum::extract::State;
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY};
use http_kit::{ContextJson, InContext, Json, Path, Problem, path_id};

use crate::codes::{CLIP_NOT_FOUND, TRACK_NOT_FOUND};
use crate::model::{Clip, MoveClip, SplitClip, SplitResult, TrimClip};
use crate::service::TimelineService;

type MoveClipRequest = InContext<MoveClip>;
type SplitClipRequest = InContext<SplitClip>;
type TrimClipRequest = InContext<TrimClip>;

http_kit::error_responses!(TrimErrors: CLIP_NOT_FOUND, ASSET_NOT_FOUND, ARTIFACT_NOT_FOUND, INVALID_BODY);

/// Trim a clip in its source; the remaining part keeps its time on the timeline.
#[utoipa::path(post, path = "/video/clips/{clip_id}/trim", operation_id = "trim_clip", tag = "video_timeline",
    params(("clip_id" = String, Path)), request_body = TrimClipRequest,
    responses((status = 200, body = Clip), TrimErrors))]
pub(super) async fn trim(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    ContextJson(context, trim): ContextJson<TrimClipRequest>,
) -> Result<Json<Clip>, Problem> {
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    Ok(Json(service.trim_clip(&context, &id, &trim.body).await?))
}

http_kit::error_responses!(SplitErrors: CLIP_NOT_FOUND, INVALID_BODY);

/// Split a clip in two at an instant of the timeline.
#[utoipa::path(post, path = "/video/clips/{clip_id}/split",
    operation_id = "split_clip", tag = "video_timeline",
    params(("clip_id" = String, Path)), request_body = SplitClipRequest,
    responses((status = 200, body = SplitResult), SplitErrors))]
pub(super) async fn split(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    ContextJson(context, split): ContextJson<SplitClipRequest>,
) -> Result<Json<SplitResult>, Problem> {
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    Ok(Json(service.split_clip(&context, &id, &split.body).await?))
}

http_kit::error_responses!(MoveErrors: CLIP_NOT_FOUND, TRACK_NOT_FOUND, INVALID_BODY);

/// Move a clip to another track or another time on the timeline.
#[utoipa::path(post, path = "/video/clips/{clip_id}/move", operation_id = "move_clip", tag = "video_timeline",
    params(("clip_id" = String, Path)), request_body = MoveClipRequest,
    responses((status = 200, body = Clip), MoveErrors))]
pub(super) async fn move_to(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    ContextJson(context, to): ContextJson<MoveClipRequest>,
) -> Result<Json<Clip>, Problem> {
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    Ok(Json(service.move_clip(&context, &id, &to.body).await?))
}
