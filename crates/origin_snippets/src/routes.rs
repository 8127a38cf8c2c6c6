use audio_to_video_origin::codes::{
    ORIGIN_CYCLE, ORIGIN_GRAPH_TOO_LARGE, ORIGIN_INVALID, ORIGIN_TOO_DEEP, UPSTREAM_WINDOW_INVALID,
};
use axum::extract::{DefaultBodyLimit, State};
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY, INVALID_CURSOR, INVALID_QUERY};
use http_kit::{ContextJson, Json, Path, Problem, Query, RequestContext, path_id};
use primitives::PageParams;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use video_render::codes::{RENDERER_UNAVAILABLE, UNKNOWN_RENDER_PROFILE};
use video_timeline::codes::{PROJECT_NOT_FOUND, TIMELINE_UNAVAILABLE};

use crate::codes::ORIGIN_MISSING;
use crate::{BatchRequest, BatchResult, Error, OriginSnippets};

/// Maximum body size of a batch, in bytes: 10 000 items of 400 bytes.
const MAX_BATCH_BODY: usize = 4 << 20;
/// Routes that accept larger bodies than others, with their limits in bytes.
pub const BODY_LIMITS: &[(&str, usize)] = &[("/origin-snippets/batch", MAX_BATCH_BODY)];

/// The routes under `/origin-snippets`.
pub fn router(snippets: OriginSnippets) -> OpenApiRouter {
    let batches = OpenApiRouter::new().routes(routes!(batch)).layer(DefaultBodyLimit::max(MAX_BATCH_BODY));
    OpenApiRouter::new().merge(batches).routes(routes!(for_audio)).with_state(snippets)
}

http_kit::error_responses!(BatchErrors:
    ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, PROJECT_NOT_FOUND, INVALID_BODY, UNKNOWN_RENDER_PROFILE, ORIGIN_MISSING,
    ORIGIN_INVALID, ORIGIN_CYCLE, ORIGIN_TOO_DEEP, ORIGIN_GRAPH_TOO_LARGE, UPSTREAM_WINDOW_INVALID,
    TIMELINE_UNAVAILABLE, RENDERER_UNAVAILABLE,
);

/// Make video snippets of the origins of audio artifacts
///
/// Creates a clip for each item on one new track labelled `origin`, of a new project or a new sequence of
/// `attach_to_project_id`, in one transaction. An item whose window is empty gets no clip; its snippet's
/// `meta.window_error` has the reason. With `render_clips` each window is also rendered; the error of a window
/// that cannot be rendered is in its snippet's `meta.render_error`. Without a renderer nothing is made; the mode
/// `timeline_only` needs none.
#[utoipa::path(
    post,
    path = "/origin-snippets/batch",
    operation_id = "make_origin_snippets",
    tag = "origin_snippets",
    request_body = BatchRequest,
    responses((status = 200, body = BatchResult), BatchErrors)
)]
async fn batch(
    State(snippets): State<OriginSnippets>,
    ContextJson(context, request): ContextJson<BatchRequest>,
) -> Result<Json<BatchResult>, Error> {
    snippets.batch(&context, request).await.map(Json)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Maximum number of snippets on a page.
    #[serde(default)]
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// `meta.next_cursor` of the previous page.
    #[serde(default)]
    cursor: Option<String>,
}

http_kit::error_responses!(ForAudioErrors: ARTIFACT_NOT_FOUND, INVALID_QUERY, INVALID_CURSOR);

/// List the snippets of an audio artifact
///
/// All snippets made of the artifact, newest first, as originally returned. A listed clip may since have been removed
/// from its timeline.
#[utoipa::path(
    get,
    path = "/origin-snippets/for-audio/{audio_artifact_id}",
    operation_id = "list_origin_snippets",
    tag = "origin_snippets",
    params(("audio_artifact_id" = String, Path), ListQuery),
    responses((status = 200, body = BatchResult), ForAudioErrors)
)]
async fn for_audio(
    State(snippets): State<OriginSnippets>,
    context: RequestContext,
    Path(audio_artifact_id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<BatchResult>, Problem> {
    let audio_artifact_id = path_id(&audio_artifact_id, ARTIFACT_NOT_FOUND)?;
    let page = PageParams::new(query.limit, query.cursor.as_deref())?;
    Ok(Json(snippets.for_audio(&context.scope, &audio_artifact_id, &page).await?))
}
