use axum::extract::State;
use http_kit::codes::{ASSET_NOT_FOUND, INVALID_BODY, QUEUE_FULL, STORAGE_FULL};
use http_kit::{ContextJson, Json, Problem};
use media_v2::codes::{DECODER_UNAVAILABLE, NO_AUDIO_STREAM, SOURCE_CHANGED, UNDECODABLE_MEDIA};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use video_timeline::codes::{PROJECT_NOT_FOUND, TIMELINE_UNAVAILABLE};

use super::{AlignRequest, Aligner, RecordingAlignment};
use crate::codes::{RECORDING_TOO_LONG, TOO_MANY_POSTINGS};

/// The route of alignments.
pub fn align_router(aligner: Aligner) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(align)).with_state(aligner)
}

http_kit::error_responses!(AlignErrors:
    ASSET_NOT_FOUND, SOURCE_CHANGED, INVALID_BODY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA, DECODER_UNAVAILABLE,
    RECORDING_TOO_LONG, TOO_MANY_POSTINGS, PROJECT_NOT_FOUND, TIMELINE_UNAVAILABLE, QUEUE_FULL, STORAGE_FULL,
);

/// Align recordings of one event
///
/// Offset to 1 ms and drift of each recording relative to the reference, by what both recorded; `unrelated` if they have
/// nothing in common. A recorder that was stopped and started again has several parts. With `sequence`, the recordings
/// also become a sequence with a synchronised track each, which is exported as OpenTimelineIO and in other formats.
#[utoipa::path(
    post, path = "/audio/align", operation_id = "align_recordings", tag = "audio_identify",
    request_body = AlignRequest, responses((status = 200, body = Vec<RecordingAlignment>), AlignErrors)
)]
async fn align(
    State(aligner): State<Aligner>,
    ContextJson(context, request): ContextJson<AlignRequest>,
) -> Result<Json<Vec<RecordingAlignment>>, Problem> {
    Ok(Json(aligner.align(&context, request).await?))
}
