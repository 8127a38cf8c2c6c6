use axum::extract::State;
use http::StatusCode;
use http_kit::{ContextJson, Json, Problem};

use super::in_context::InContext;
use crate::model::{CreatedTimeline, NewTimeline};
use crate::service::TimelineService;

type NewTimelineRequest = InContext<NewTimeline>;

/// Create a sequence with one track of clips, in a new or existing project, all or nothing.
#[utoipa::path(post, path = "/video/timelines", operation_id = "create_timeline", tag = "video_timeline",
    request_body = NewTimelineRequest,
    responses(
        (status = 201, body = CreatedTimeline),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`project_not_found`, `asset_not_found`, `artifact_not_found`"),
        (status = 413, description = "`body_too_large`"),
        (status = 422, description = "`invalid_body`"),
    ))]
pub(super) async fn create(
    State(service): State<TimelineService>,
    ContextJson(context, new): ContextJson<NewTimelineRequest>,
) -> Result<(StatusCode, Json<CreatedTimeline>), Problem> {
    let timeline = service.make_timeline(&context, new.body, None).await?;
    Ok((StatusCode::CREATED, Json(timeline)))
}
