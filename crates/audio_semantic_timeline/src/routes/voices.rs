use axum::extract::State;
use axum::http::StatusCode;
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY, QUEUE_FULL};
use http_kit::{ContextJson, Json, Path, Problem, RequestContext, path_id};
use media_v2::codes::{DECODER_UNAVAILABLE, NO_AUDIO_STREAM, UNDECODABLE_MEDIA};
use primitives::Page;

use crate::codes::{
    ANALYSIS_CANCELLED, BACKEND_UNAVAILABLE, TOO_MANY_VOICES, VOICE_NOT_FOUND, VOICE_UNCLEAR,
};
use crate::voices::{EnrolledVoice, VoiceRequest};
use crate::{Error, SemanticTimelines};

http_kit::error_responses!(EnrolErrors:
    ASSET_NOT_FOUND, ARTIFACT_NOT_FOUND, INVALID_BODY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA, VOICE_UNCLEAR,
    TOO_MANY_VOICES, BACKEND_UNAVAILABLE, DECODER_UNAVAILABLE, QUEUE_FULL, ANALYSIS_CANCELLED,
);

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
    responses((status = 201, body = EnrolledVoice), EnrolErrors)
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
    responses((status = 200, body = Page<EnrolledVoice>))
)]
pub(super) async fn list(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
) -> Result<Json<Page<EnrolledVoice>>, Error> {
    timelines.voices(&context.scope).await.map(Json)
}

http_kit::error_responses!(DeleteErrors: VOICE_NOT_FOUND);

/// Delete a voice
///
/// Deletes the embedding, and removes the name from all timelines.
#[utoipa::path(
    delete,
    path = "/voices/{voice_id}",
    operation_id = "delete_voice",
    tag = "voices",
    params(("voice_id" = String, Path)),
    responses((status = 204, description = "deleted"), DeleteErrors)
)]
pub(super) async fn delete(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(voice_id): Path<String>,
) -> Result<StatusCode, Problem> {
    timelines.forget_voice(&context.scope, &path_id(&voice_id, VOICE_NOT_FOUND)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
