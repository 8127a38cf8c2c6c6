use axum::extract::{DefaultBodyLimit, State};
use http_kit::{ContextJson, Json, Path, Problem, Query, RequestContext, path_id};
use primitives::PageParams;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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

/// Make video snippets of the origins of audio artifacts
///
/// Creates a clip for each item on one new track labelled `origin`, of a new project or a new sequence of
/// `attach_to_project_id`, in one transaction. With `render_clips` each window is also rendered; the error of a window
/// that cannot be rendered is in its snippet's `meta.render_error`.
#[utoipa::path(
    post,
    path = "/origin-snippets/batch",
    operation_id = "make_origin_snippets",
    tag = "origin_snippets",
    request_body = BatchRequest,
    responses(
        (status = 200, body = BatchResult),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`artifact_not_found` with all ids, `project_not_found`"),
        (status = 422, description = "`invalid_body`, `unknown_render_profile`, `origin_missing` and `origin_invalid` with all ids, \
            `empty_window`, `origin_cycle`, `origin_too_deep`"),
        (status = 502, description = "`timeline_unavailable`"),
        (status = 503, description = "`renderer_unavailable`: nothing was made; the mode timeline_only works"),
    )
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
    responses(
        (status = 200, body = BatchResult),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`artifact_not_found`"),
        (status = 422, description = "`invalid_query`, `invalid_cursor`"),
    )
)]
async fn for_audio(
    State(snippets): State<OriginSnippets>,
    context: RequestContext,
    Path(audio_artifact_id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<BatchResult>, Problem> {
    let audio_artifact_id = path_id(&audio_artifact_id, "artifact_not_found")?;
    let page = PageParams::new(query.limit, query.cursor.as_deref())?;
    Ok(Json(snippets.for_audio(&context.scope, &audio_artifact_id, &page).await?))
}
