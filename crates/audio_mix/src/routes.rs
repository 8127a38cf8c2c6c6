use audio_pattern_engine::codes::PATTERN_NOT_FOUND;
use axum::extract::State;
use http_kit::codes::{ARTIFACT_NOT_FOUND, INVALID_BODY, QUEUE_FULL, STORAGE_FULL};
use http_kit::{ContextJson, Json, Path, Problem, path_id};
use media_v2::codes::{NO_AUDIO_STREAM, SOURCE_CHANGED, UNDECODABLE_MEDIA};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::PatternMixer;
use crate::codes::MIX_TOO_LONG;
use crate::model::{PatternRender, PatternRenderRequest};

/// The route of pattern renders.
pub fn router(mixer: PatternMixer) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(render)).with_state(mixer)
}

http_kit::error_responses!(RenderErrors:
    PATTERN_NOT_FOUND, ARTIFACT_NOT_FOUND, SOURCE_CHANGED, INVALID_BODY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA,
    MIX_TOO_LONG, QUEUE_FULL, STORAGE_FULL,
);

/// Render a pattern
///
/// Renders a pattern to a WAVE file, which becomes a new asset: each sample at its time, to the sample, with its gain. A mix
/// whose true peak exceeds −1 dBTP is lowered to it as a whole; nothing else changes the level. An identical request returns
/// the same file.
#[utoipa::path(
    post,
    path = "/audio/patterns/{pattern_id}/render",
    operation_id = "render_pattern",
    tag = "audio_pattern_engine",
    params(("pattern_id" = String, Path)),
    request_body = PatternRenderRequest,
    responses((status = 200, body = PatternRender), RenderErrors)
)]
async fn render(
    State(mixer): State<PatternMixer>,
    Path(pattern_id): Path<String>,
    ContextJson(context, _request): ContextJson<PatternRenderRequest>,
) -> Result<Json<PatternRender>, Problem> {
    let pattern_id = path_id(&pattern_id, PATTERN_NOT_FOUND)?;
    Ok(Json(mixer.render(&context, &pattern_id).await?))
}
