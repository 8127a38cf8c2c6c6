use axum::extract::State;
use http::StatusCode;
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY};
use http_kit::{ContextJson, Json, Problem};

use super::in_context::InContext;
use crate::codes::PROJECT_NOT_FOUND;
use crate::model::{CreatedTimeline, NewTimeline};
use crate::service::TimelineService;

type NewTimelineRequest = InContext<NewTimeline>;

http_kit::error_responses!(CreateErrors:
    PROJECT_NOT_FOUND, ASSET_NOT_FOUND, ARTIFACT_NOT_FOUND, INVALID_BODY,
);

/// Create a sequence with one track of clips, in a new or existing project, all or nothing.
#[utoipa::path(post, path = "/video/timelines", operation_id = "create_timeline", tag = "video_timeline",
    request_body = NewTimelineRequest,
    responses((status = 201, body = CreatedTimeline), CreateErrors))]
pub(super) async fn create(
    State(service): State<TimelineService>,
    ContextJson(context, new): ContextJson<NewTimelineRequest>,
) -> Result<(StatusCode, Json<CreatedTimeline>), Problem> {
    let timeline = service.make_timeline(&context, new.body, None).await?;
    Ok((StatusCode::CREATED, Json(timeline)))
}
