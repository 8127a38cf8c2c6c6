mod plot;
mod transcript;
mod voices;

use axum::extract::State;
use http_kit::{ContextJson, Json, Path, Problem, RequestContext, path_id};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::{AnalyzeRequest, AnalyzeResponse, TimelineResponse};
use crate::{Error, SemanticTimelines};

/// The routes under `/audio/semantic-timeline` and `/voices`.
pub fn router(timelines: SemanticTimelines) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(analyze))
        .routes(routes!(get))
        .routes(routes!(by_clip))
        .routes(routes!(plot::plot))
        .routes(routes!(transcript::transcript))
        .routes(routes!(transcript::transcript_by_clip))
        .routes(routes!(voices::enrol, voices::list))
        .routes(routes!(voices::delete))
        .with_state(timelines)
}

/// Analyse a recording
///
/// An identical request returns the same artifact, with `meta.cache_hit: true`.
#[utoipa::path(
    post,
    path = "/audio/semantic-timeline/analyze",
    operation_id = "analyze_recording",
    tag = "audio_semantic_timeline",
    request_body = AnalyzeRequest,
    responses(
        (status = 200, body = AnalyzeResponse),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`asset_not_found`, `artifact_not_found`"),
        (status = 409, description = "`source_changed`"),
        (status = 422, description = "`invalid_body`, `no_audio_stream`, `undecodable_media`, \
            `unsupported_language`, `artifact_of_another_asset`"),
        (status = 503, description = "`backend_unavailable`, `decoder_unavailable`, `queue_full`, `analysis_cancelled`"),
    )
)]
async fn analyze(
    State(timelines): State<SemanticTimelines>,
    ContextJson(context, request): ContextJson<AnalyzeRequest>,
) -> Result<Json<AnalyzeResponse>, Error> {
    timelines.analyze(&context, &request).await.map(Json)
}

/// Get a timeline by its artifact
#[utoipa::path(
    get,
    path = "/audio/semantic-timeline/{artifact_id}",
    operation_id = "get_semantic_timeline",
    tag = "audio_semantic_timeline",
    params(("artifact_id" = String, Path)),
    responses(
        (status = 200, body = TimelineResponse),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`semantics_not_found`"),
        (status = 409, description = "`source_changed`"),
        (status = 422, description = "`semantics_unreadable`"),
    )
)]
async fn get(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(artifact_id): Path<String>,
) -> Result<Json<TimelineResponse>, Problem> {
    Ok(Json(timelines.get(&context.scope, &path_id(&artifact_id, "semantics_not_found")?).await?))
}

/// Get the timeline of a clip
///
/// Cut to the clip's window, with times relative to its in point. Times are source time for any speed of the clip.
#[utoipa::path(
    get,
    path = "/audio/semantic-timeline/by-clip/{clip_id}",
    operation_id = "get_semantic_timeline_of_clip",
    tag = "audio_semantic_timeline",
    params(("clip_id" = String, Path)),
    responses(
        (status = 200, body = TimelineResponse),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`clip_not_found`, `semantics_not_found`"),
        (status = 409, description = "`source_changed`"),
        (status = 422, description = "`semantics_unreadable`"),
        (status = 502, description = "`timeline_unavailable`"),
    )
)]
async fn by_clip(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(clip_id): Path<String>,
) -> Result<Json<TimelineResponse>, Problem> {
    Ok(Json(timelines.by_clip(&context, &path_id(&clip_id, "clip_not_found")?).await?))
}
