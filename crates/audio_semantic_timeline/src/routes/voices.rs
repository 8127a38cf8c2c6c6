use axum::extract::State;
use axum::http::StatusCode;
use http_kit::{ContextJson, Json, Path, Problem, RequestContext, path_id};
use primitives::Page;

use crate::voices::{EnrolledVoice, VoiceRequest};
use crate::{Error, SemanticTimelines};

/// Enrol a voice
///
/// Stores the voice of the only speaker in an artifact or in a window of a recording. Timelines with speakers,
/// including older ones, then show its name in `meta.speakers`.
#[utoipa::path(
    post,
    path = "/voices",
    operation_id = "enrol_voice",
    tag = "voices",
    request_body = VoiceRequest,
    responses(
        (status = 201, body = EnrolledVoice),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`asset_not_found`, `artifact_not_found`"),
        (status = 422, description = "`invalid_body`, `no_audio_stream`, `undecodable_media`, `voice_unclear`, \
            `too_many_voices`"),
        (status = 503, description = "`backend_unavailable`, `decoder_unavailable`, `queue_full`, `analysis_cancelled`"),
    )
)]
pub(super) async fn enrol(
    State(timelines): State<SemanticTimelines>,
    ContextJson(context, request): ContextJson<VoiceRequest>,
) -> Result<(StatusCode, Json<EnrolledVoice>), Error> {
    Ok((StatusCode::CREATED, Json(timelines.enrol(&context, &request).await?)))
}

/// List the enrolled voices
///
/// Newest first, all on one page.
#[utoipa::path(
    get,
    path = "/voices",
    operation_id = "list_voices",
    tag = "voices",
    responses(
        (status = 200, body = Page<EnrolledVoice>),
        (status = 400, description = "`invalid_context`"),
    )
)]
pub(super) async fn list(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
) -> Result<Json<Page<EnrolledVoice>>, Error> {
    timelines.voices(&context.scope).await.map(Json)
}

/// Delete a voice
///
/// Deletes the embedding, and removes the name from all timelines.
#[utoipa::path(
    delete,
    path = "/voices/{voice_id}",
    operation_id = "delete_voice",
    tag = "voices",
    params(("voice_id" = String, Path)),
    responses(
        (status = 204, description = "deleted"),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`voice_not_found`"),
    )
)]
pub(super) async fn delete(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(voice_id): Path<String>,
) -> Result<StatusCode, Problem> {
    timelines.forget_voice(&context.scope, &path_id(&voice_id, "voice_not_found")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
