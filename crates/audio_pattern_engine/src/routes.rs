use axum::extract::State;
use http_kit::codes::{ARTIFACT_NOT_FOUND, INVALID_BODY};
use http_kit::{ContextJson, Json, Path, Problem, RequestContext, path_id};
use primitives::Page;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::codes::{PATTERN_NOT_FOUND, UNKNOWN_TEMPLATE};
use crate::{Error, PatternEngine, PatternRequest, PatternTimeline, TEMPLATES, Template};

/// The routes under `/audio/patterns`.
pub fn router(engine: PatternEngine) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(templates))
        .routes(routes!(make))
        .routes(routes!(get))
        .with_state(engine)
}

/// List the pattern templates
///
/// Lists all templates with their steps, always in a single page.
#[utoipa::path(
    get,
    path = "/audio/patterns/templates",
    operation_id = "list_pattern_templates",
    tag = "audio_pattern_engine",
    responses((status = 200, body = Page<Template>))
)]
async fn templates(_context: RequestContext) -> Json<Page<Template>> {
    Json(Page { items: TEMPLATES.to_vec(), next_cursor: None })
}

http_kit::error_responses!(MakeErrors: ARTIFACT_NOT_FOUND, INVALID_BODY, UNKNOWN_TEMPLATE);

/// Make a pattern
///
/// The same request always gives the same pattern under the same id.
#[utoipa::path(
    post,
    path = "/audio/patterns",
    operation_id = "make_pattern",
    tag = "audio_pattern_engine",
    request_body = PatternRequest,
    responses((status = 200, body = PatternTimeline), MakeErrors)
)]
async fn make(
    State(engine): State<PatternEngine>,
    ContextJson(context, request): ContextJson<PatternRequest>,
) -> Result<Json<PatternTimeline>, Error> {
    engine.make(&context.scope, &request).await.map(Json)
}

http_kit::error_responses!(GetErrors: PATTERN_NOT_FOUND);

/// Read a pattern
#[utoipa::path(
    get,
    path = "/audio/patterns/{pattern_id}",
    operation_id = "get_pattern",
    tag = "audio_pattern_engine",
    params(("pattern_id" = String, Path)),
    responses((status = 200, body = PatternTimeline), GetErrors)
)]
async fn get(
    State(engine): State<PatternEngine>,
    context: RequestContext,
    Path(pattern_id): Path<String>,
) -> Result<Json<PatternTimeline>, Problem> {
    let pattern_id = path_id(&pattern_id, PATTERN_NOT_FOUND)?;
    Ok(Json(engine.get(&context.scope, &pattern_id).await?))
}
