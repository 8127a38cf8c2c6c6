mod plot;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use http_kit::{ContextJson, Json, Path, Problem, Query, RequestContext, path_id};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::{AnalyzeRequest, AnalyzeResponse, TimelineResponse};
use crate::{Error, SemanticTimelines, Transcript, TranscriptFormat};

/// The routes under `/audio/semantic-timeline`.
pub fn router(timelines: SemanticTimelines) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(analyze))
        .routes(routes!(get))
        .routes(routes!(by_clip))
        .routes(routes!(plot::plot))
        .routes(routes!(transcript))
        .routes(routes!(transcript_by_clip))
        .with_state(timelines)
}

/// Analyse a recording
///
/// An identical request gets the same artifact back, with `meta.cache_hit: true`.
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

/// A timeline by its artifact
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

/// The timeline of a clip
///
/// Cut to the clip's window and told from its in point on. Times stay source time whatever the
/// clip's speed.
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

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TranscriptQuery {
    /// `json` when not given.
    #[serde(default)]
    #[param(inline)]
    format: TranscriptFormat,
}

/// What is said in a recording
///
/// The words of a timeline, or captions of at most two lines of 42 characters.
#[utoipa::path(
    get,
    path = "/audio/semantic-timeline/{artifact_id}/transcript",
    operation_id = "get_transcript",
    tag = "audio_semantic_timeline",
    params(("artifact_id" = String, Path), TranscriptQuery),
    responses(
        (status = 200, description = "As `format` has it", content(
            (Transcript = "application/json"),
            (String = "application/x-subrip"),
            (String = "text/vtt"),
            (String = "text/plain"),
        )),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`semantics_not_found`"),
        (status = 422, description = "`invalid_query`"),
    )
)]
async fn transcript(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(artifact_id): Path<String>,
    Query(query): Query<TranscriptQuery>,
) -> Result<Response, Problem> {
    let timeline = timelines.get(&context.scope, &path_id(&artifact_id, "semantics_not_found")?).await?;
    Ok(written(&Transcript::of(&timeline.summary), query.format))
}

/// What is said in a clip
///
/// Like the transcript of a recording, cut to the clip's window and told from its in point on.
#[utoipa::path(
    get,
    path = "/audio/semantic-timeline/by-clip/{clip_id}/transcript",
    operation_id = "get_transcript_of_clip",
    tag = "audio_semantic_timeline",
    params(("clip_id" = String, Path), TranscriptQuery),
    responses(
        (status = 200, description = "As `format` has it", content(
            (Transcript = "application/json"),
            (String = "application/x-subrip"),
            (String = "text/vtt"),
            (String = "text/plain"),
        )),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`clip_not_found`, `semantics_not_found`"),
        (status = 422, description = "`invalid_query`"),
        (status = 502, description = "`timeline_unavailable`"),
    )
)]
async fn transcript_by_clip(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(clip_id): Path<String>,
    Query(query): Query<TranscriptQuery>,
) -> Result<Response, Problem> {
    let timeline = timelines.by_clip(&context, &path_id(&clip_id, "clip_not_found")?).await?;
    Ok(written(&Transcript::of(&timeline.summary), query.format))
}

fn written(transcript: &Transcript, format: TranscriptFormat) -> Response {
    match transcript.written(format) {
        Some((media_type, text)) => ([(CONTENT_TYPE, media_type)], text).into_response(),
        None => Json(transcript).into_response(),
    }
}
