use axum::extract::State;
use axum::http::StatusCode;
use http_kit::codes::INVALID_BODY;
use http_kit::{ContextJson, Json, Path, Problem, RequestContext, path_id};
use media_v2::codes::SOURCE_CHANGED;
use primitives::Page;

use crate::SemanticTimelines;
use crate::codes::{
    CORRECTION_NOT_FOUND, CORRECTION_SUPERSEDED, SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE,
    STALE_BASE_VERSION, TIMELINE_NOT_MEASURED, TOO_MANY_CORRECTIONS,
};
use crate::corrections::{CorrectionEntry, CorrectionRequest};
use crate::model::TimelineResponse;

http_kit::error_responses!(CorrectErrors:
    SEMANTICS_NOT_FOUND, SOURCE_CHANGED, STALE_BASE_VERSION, INVALID_BODY, TIMELINE_NOT_MEASURED,
    TOO_MANY_CORRECTIONS, SEMANTICS_UNREADABLE,
);

/// Correct a timeline
///
/// Applies edits to the newest timeline of a chain, and stores the result as a new timeline with `backend_type`
/// `corrected`; the analysis stays. `artifact_id` is the analysis or a correction of it. Clips, shot lists, exports,
/// transcripts and searches then use the correction; `analyze` still returns the analysis. All edits are applied, or
/// none: 422 names the first that does not apply. If `base_version` is not the newest `backend_version`, the answer is 409
/// with `artifact_id` and `version` of the newest timeline.
#[utoipa::path(
    post,
    path = "/audio/semantic-timeline/{artifact_id}/corrections",
    operation_id = "correct_timeline",
    tag = "audio_semantic_timeline",
    params(("artifact_id" = String, Path)),
    request_body = CorrectionRequest,
    responses((status = 201, body = TimelineResponse), CorrectErrors)
)]
pub(super) async fn correct(
    State(timelines): State<SemanticTimelines>,
    Path(artifact_id): Path<String>,
    ContextJson(context, request): ContextJson<CorrectionRequest>,
) -> Result<(StatusCode, Json<TimelineResponse>), Problem> {
    let artifact_id = path_id(&artifact_id, SEMANTICS_NOT_FOUND)?;
    Ok((StatusCode::CREATED, Json(timelines.correct(&context, &artifact_id, request).await?)))
}

http_kit::error_responses!(ListErrors: SEMANTICS_NOT_FOUND, SOURCE_CHANGED);

/// List the corrections of a timeline
///
/// Those of the analysis of `artifact_id`, newest first, all on one page; the first one is in force.
#[utoipa::path(
    get,
    path = "/audio/semantic-timeline/{artifact_id}/corrections",
    operation_id = "list_corrections",
    tag = "audio_semantic_timeline",
    params(("artifact_id" = String, Path)),
    responses((status = 200, body = Page<CorrectionEntry>), ListErrors)
)]
pub(super) async fn list(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(artifact_id): Path<String>,
) -> Result<Json<Page<CorrectionEntry>>, Problem> {
    let artifact_id = path_id(&artifact_id, SEMANTICS_NOT_FOUND)?;
    Ok(Json(timelines.corrections(&context.scope, &artifact_id).await?))
}

http_kit::error_responses!(UndoErrors:
    SEMANTICS_NOT_FOUND, CORRECTION_NOT_FOUND, SOURCE_CHANGED, CORRECTION_SUPERSEDED, SEMANTICS_UNREADABLE,
);

/// Undo a correction
///
/// Only the newest one of the chain: the timeline that it corrected is in force again. The removed timeline is not
/// returned any more; its artifact stays in the lineage of what was made with it.
#[utoipa::path(
    delete,
    path = "/audio/semantic-timeline/{artifact_id}/corrections/{correction_id}",
    operation_id = "undo_correction",
    tag = "audio_semantic_timeline",
    params(("artifact_id" = String, Path), ("correction_id" = String, Path)),
    responses((status = 204, description = "removed"), UndoErrors)
)]
pub(super) async fn undo(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path((artifact_id, correction_id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let artifact_id = path_id(&artifact_id, SEMANTICS_NOT_FOUND)?;
    let correction_id = path_id(&correction_id, CORRECTION_NOT_FOUND)?;
    timelines.undo_correction(&context.scope, &artifact_id, &correction_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
