use axum::extract::State;
use http_kit::{ContextJson, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::{RenderRequest, RenderResponse};
use crate::{Error, Renderer};

/// The routes under `/video/render`.
pub fn router(renderer: Renderer) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(render)).with_state(renderer)
}

/// Render a window
///
/// Renders a window of an asset or of a project's timeline to a file, which becomes a new asset. The first frame is the
/// one visible at `start_ms`, the last frame begins before `end_ms`, and audio is cut to the sample. An identical
/// request returns the same file. The render goes on as a job if the client disconnects; `DELETE /jobs/{id}` cancels it.
#[utoipa::path(
    post,
    path = "/video/render",
    operation_id = "render_window",
    tag = "video_render",
    request_body = RenderRequest,
    responses(
        (status = 200, body = RenderResponse),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`asset_not_found`, `project_not_found`, `sequence_not_found`"),
        (status = 409, description = "`source_changed`"),
        (status = 422, description = "`invalid_body`, `unknown_render_profile`, `invalid_window`, \
            `window_outside_source`, `unsupported_container`, `undecodable_media`, `unsupported_clip`, \
            `too_many_clips`, `render_too_large`, `empty_project`"),
        (status = 500, description = "`render_failed`, `content_missing`"),
        (status = 502, description = "`timeline_unavailable`"),
        (status = 503, description = "`renderer_unavailable`, `queue_full`"),
        (status = 504, description = "`render_timeout`"),
        (status = 507, description = "`storage_full`"),
    )
)]
async fn render(
    State(renderer): State<Renderer>,
    ContextJson(context, request): ContextJson<RenderRequest>,
) -> Result<Json<RenderResponse>, Error> {
    renderer.render(&context, &request).await.map(Json)
}
