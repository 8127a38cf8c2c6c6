use axum::extract::State;
use http_kit::{ContextJson, Json, Path, Problem};

use super::in_context::InContext;
use super::path_id;
use crate::error::Entity;
use crate::model::{Clip, MoveClip, SplitClip, SplitResult, TrimClip};
use crate::service::TimelineService;

type MoveClipRequest = InContext<MoveClip>;
type SplitClipRequest = InContext<SplitClip>;
type TrimClipRequest = InContext<TrimClip>;

/// Trim a clip in its source; the remaining part keeps its time on the timeline.
#[utoipa::path(post, path = "/video/clips/{clip_id}/trim", operation_id = "trim_clip", tag = "video_timeline",
    params(("clip_id" = String, Path)), request_body = TrimClipRequest,
    responses(
        (status = 200, body = Clip),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`clip_not_found`, `asset_not_found`, `artifact_not_found`"),
        (status = 422, description = "`invalid_body`"),
    ))]
pub(super) async fn trim(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    ContextJson(context, trim): ContextJson<TrimClipRequest>,
) -> Result<Json<Clip>, Problem> {
    let id = path_id(Entity::Clip, id)?;
    Ok(Json(service.trim_clip(&context, &id, &trim.body).await?))
}

/// Split a clip in two at an instant of the timeline.
#[utoipa::path(post, path = "/video/clips/{clip_id}/split",
    operation_id = "split_clip", tag = "video_timeline",
    params(("clip_id" = String, Path)), request_body = SplitClipRequest,
    responses(
        (status = 200, body = SplitResult),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`clip_not_found`"),
        (status = 422, description = "`invalid_body`"),
    ))]
pub(super) async fn split(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    ContextJson(context, split): ContextJson<SplitClipRequest>,
) -> Result<Json<SplitResult>, Problem> {
    let id = path_id(Entity::Clip, id)?;
    Ok(Json(service.split_clip(&context, &id, &split.body).await?))
}

/// Move a clip to another track or another time on the timeline.
#[utoipa::path(post, path = "/video/clips/{clip_id}/move", operation_id = "move_clip", tag = "video_timeline",
    params(("clip_id" = String, Path)), request_body = MoveClipRequest,
    responses(
        (status = 200, body = Clip),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`clip_not_found`, `track_not_found`"),
        (status = 422, description = "`invalid_body`"),
    ))]
pub(super) async fn move_to(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    ContextJson(context, to): ContextJson<MoveClipRequest>,
) -> Result<Json<Clip>, Problem> {
    let id = path_id(Entity::Clip, id)?;
    Ok(Json(service.move_clip(&context, &id, &to.body).await?))
}
