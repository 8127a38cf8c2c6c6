mod corrections;
mod plot;
mod transcript;
mod voices;

use axum::extract::State;
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY, QUEUE_FULL};
use http_kit::{ContextJson, Json, Path, Problem, RequestContext, path_id};
use media_v2::codes::{DECODER_UNAVAILABLE, NO_AUDIO_STREAM, SOURCE_CHANGED, UNDECODABLE_MEDIA};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use video_timeline::codes::{CLIP_NOT_FOUND, TIMELINE_UNAVAILABLE};

use crate::codes::{
    ANALYSIS_CANCELLED, ARTIFACT_OF_ANOTHER_ASSET, BACKEND_UNAVAILABLE, SEMANTICS_NOT_FOUND,
    SEMANTICS_UNREADABLE, UNSUPPORTED_LANGUAGE,
};
use crate::model::{AnalyzeRequest, AnalyzeResponse, TimelineResponse};
use crate::{Error, SemanticTimelines};

/// The routes under `/audio/semantic-timeline` and `/voices`.
pub fn router(timelines: SemanticTimelines) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(analyze))
        .routes(routes!(get))
        .routes(routes!(by_clip))
        .routes(routes!(corrections::correct, corrections::list))
        .routes(routes!(corrections::undo))
        .routes(routes!(plot::plot))
        .routes(routes!(transcript::transcript))
        .routes(routes!(transcript::transcript_by_clip))
        .routes(routes!(voices::enrol, voices::list))
        .routes(routes!(voices::delete))
        .with_state(timelines)
}

http_kit::error_responses!(AnalyzeErrors:
    ASSET_NOT_FOUND, ARTIFACT_NOT_FOUND, SOURCE_CHANGED, INVALID_BODY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA,
    UNSUPPORTED_LANGUAGE, ARTIFACT_OF_ANOTHER_ASSET, BACKEND_UNAVAILABLE, DECODER_UNAVAILABLE, QUEUE_FULL,
    ANALYSIS_CANCELLED,
);

/// Analyse a recording
///
/// An identical request returns the same artifact, with `meta.cache_hit: true`.
#[utoipa::path(
    post,
    path = "/audio/semantic-timeline/analyze",
    operation_id = "analyze_recording",
    tag = "audio_semantic_timeline",
    request_body = AnalyzeRequest,
    responses((status = 200, body = AnalyzeResponse), AnalyzeErrors)
)]
async fn analyze(
    State(timelines): State<SemanticTimelines>,
    ContextJson(context, request): ContextJson<AnalyzeRequest>,
) -> Result<Json<AnalyzeResponse>, Error> {
    timelines.analyze(&context, &request).await.map(Json)
}

http_kit::error_responses!(GetErrors: SEMANTICS_NOT_FOUND, SOURCE_CHANGED, SEMANTICS_UNREADABLE);

/// Get a timeline by its artifact
///
/// The one with this id: of an analysis with corrections, as it was measured.
#[utoipa::path(
    get,
    path = "/audio/semantic-timeline/{artifact_id}",
    operation_id = "get_semantic_timeline",
    tag = "audio_semantic_timeline",
    params(("artifact_id" = String, Path)),
    responses((status = 200, body = TimelineResponse), GetErrors)
)]
async fn get(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(artifact_id): Path<String>,
) -> Result<Json<TimelineResponse>, Problem> {
    Ok(Json(timelines.get(&context.scope, &path_id(&artifact_id, SEMANTICS_NOT_FOUND)?).await?))
}

http_kit::error_responses!(ByClipErrors:
    CLIP_NOT_FOUND, SEMANTICS_NOT_FOUND, SOURCE_CHANGED, SEMANTICS_UNREADABLE, TIMELINE_UNAVAILABLE,
);

/// Get the timeline of a clip
///
/// Cut to the clip's window, with times relative to its in point. Times are source time for any speed of the clip. Of an
/// analysis with corrections, the newest of them.
#[utoipa::path(
    get,
    path = "/audio/semantic-timeline/by-clip/{clip_id}",
    operation_id = "get_semantic_timeline_of_clip",
    tag = "audio_semantic_timeline",
    params(("clip_id" = String, Path)),
    responses((status = 200, body = TimelineResponse), ByClipErrors)
)]
async fn by_clip(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(clip_id): Path<String>,
) -> Result<Json<TimelineResponse>, Problem> {
    Ok(Json(timelines.by_clip(&context, &path_id(&clip_id, CLIP_NOT_FOUND)?).await?))
}
