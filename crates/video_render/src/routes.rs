use audio_semantic_timeline::codes::{SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE, WORDS_NOT_FOUND};
use audio_to_video_origin::codes::{SHOT_LIST_NOT_FOUND, SHOT_LIST_UNREADABLE, TOO_MANY_SHOTS};
use axum::extract::State;
use http_kit::codes::{ASSET_NOT_FOUND, INVALID_BODY, QUEUE_FULL, STORAGE_FULL};
use http_kit::{ContextJson, Json};
use media_v2::codes::{SOURCE_CHANGED, UNDECODABLE_MEDIA};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use video_timeline::codes::{PROJECT_NOT_FOUND, SEQUENCE_NOT_FOUND, TIMELINE_UNAVAILABLE};

use crate::codes::{
    EMPTY_PROJECT, EMPTY_SHOT_LIST, FILM_TOO_LONG, INVALID_WINDOW, RENDER_FAILED, RENDER_TIMEOUT,
    RENDER_TOO_LARGE, RENDERER_UNAVAILABLE, TOO_MANY_OVERLAPPING, UNKNOWN_RENDER_PROFILE, UNSUPPORTED_CLIP,
    UNSUPPORTED_CONTAINER, WINDOW_OUTSIDE_SOURCE,
};
use crate::model::{RenderRequest, RenderResponse};
use crate::{Error, Renderer};

/// The routes under `/video/render`.
pub fn router(renderer: Renderer) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(render)).with_state(renderer)
}

http_kit::error_responses!(RenderErrors:
    ASSET_NOT_FOUND, PROJECT_NOT_FOUND, SEQUENCE_NOT_FOUND, SOURCE_CHANGED, INVALID_BODY,
    UNKNOWN_RENDER_PROFILE, INVALID_WINDOW, WINDOW_OUTSIDE_SOURCE, UNSUPPORTED_CONTAINER, UNDECODABLE_MEDIA,
    UNSUPPORTED_CLIP, TOO_MANY_SHOTS, TOO_MANY_OVERLAPPING, FILM_TOO_LONG, EMPTY_SHOT_LIST, RENDER_TOO_LARGE,
    EMPTY_PROJECT, RENDER_FAILED, TIMELINE_UNAVAILABLE, SHOT_LIST_NOT_FOUND, SHOT_LIST_UNREADABLE, STORAGE_FULL,
    RENDERER_UNAVAILABLE, QUEUE_FULL, RENDER_TIMEOUT, SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE, WORDS_NOT_FOUND,
);

/// Render a window or a shot list
///
/// Renders a window of an asset or of a project's timeline, or a whole shot list, to a file, which becomes a new asset. Of
/// a window, the first frame is the one visible at `start_ms`, the last frame begins before `end_ms`, and audio is cut to
/// the sample. Of a shot list, each shot is at its target time, gaps are black and silent, and later shots cover earlier
/// ones; `plan.warnings` names sources that are black or silent. `captions` burns the
/// words of a recording in. An identical request returns the same file. The
/// render goes on as a job if the client disconnects; `DELETE /jobs/{id}` cancels it.
#[utoipa::path(
    post,
    path = "/video/render",
    operation_id = "render_window",
    tag = "video_render",
    request_body = RenderRequest,
    responses((status = 200, body = RenderResponse), RenderErrors)
)]
async fn render(
    State(renderer): State<Renderer>,
    ContextJson(context, request): ContextJson<RenderRequest>,
) -> Result<Json<RenderResponse>, Error> {
    renderer.render(&context, &request).await.map(Json)
}
