use audio_semantic_timeline::codes::{SEMANTICS_UNREADABLE, WORDS_NOT_FOUND};
use axum::extract::State;
use http_kit::codes::{ASSET_NOT_FOUND, INVALID_BODY, QUEUE_FULL};
use http_kit::{ContextJson, Json};
use media_v2::codes::{DECODER_UNAVAILABLE, NO_AUDIO_STREAM, SOURCE_CHANGED, UNDECODABLE_MEDIA};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::codes::{OVERTAKEN, SLICE_TOO_LARGE, TRANSCRIPT_UNREADABLE};
use crate::hits::HitsRequest;
use crate::loops::LoopsRequest;
use crate::model::{DetectResponse, SamplesRequest, SamplesResponse};
use crate::phrases::PhrasesRequest;
use crate::{Error, FieldToSamples};

/// Routes of `POST /audio/field-to-samples` and of the single detectors.
pub fn router(samples: FieldToSamples) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(field_to_samples))
        .routes(routes!(detect_hits))
        .routes(routes!(detect_loops))
        .routes(routes!(detect_phrases))
        .with_state(samples)
}

http_kit::error_responses!(SamplesErrors:
    ASSET_NOT_FOUND, SOURCE_CHANGED, INVALID_BODY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA, QUEUE_FULL, OVERTAKEN,
    DECODER_UNAVAILABLE,
);

/// Cut a recording into samples
///
/// Detects hits, loops and phrases and registers each as an artifact with its origin. An identical request gets the
/// same artifacts. If a detector cannot run (phrases without words), `summary_meta.errors` reports it and the others
/// still run.
#[utoipa::path(
    post,
    path = "/audio/field-to-samples",
    operation_id = "cut_samples",
    tag = "audio_field_to_samples",
    request_body = SamplesRequest,
    responses((status = 200, body = SamplesResponse), SamplesErrors)
)]
async fn field_to_samples(
    State(samples): State<FieldToSamples>,
    ContextJson(context, request): ContextJson<SamplesRequest>,
) -> Result<Json<SamplesResponse>, Error> {
    samples.samples(&context, &request).await.map(Json)
}

http_kit::error_responses!(DetectErrors:
    ASSET_NOT_FOUND, SOURCE_CHANGED, INVALID_BODY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA, SLICE_TOO_LARGE,
    QUEUE_FULL, OVERTAKEN, DECODER_UNAVAILABLE,
);

/// Find hits
///
/// Detects single struck sounds; `events` are `HitEvent`s ordered by time.
#[utoipa::path(
    post,
    path = "/audio/hits/detect",
    tag = "audio_field_to_samples",
    request_body = HitsRequest,
    responses((status = 200, body = DetectResponse), DetectErrors)
)]
async fn detect_hits(
    State(samples): State<FieldToSamples>,
    ContextJson(context, request): ContextJson<HitsRequest>,
) -> Result<Json<DetectResponse>, Error> {
    samples.detect(&context, &request).await.map(Json)
}

/// Find loops
///
/// Detects whole bars that can be repeated; `events` are `LoopEvent`s, best first, at most ten.
#[utoipa::path(
    post,
    path = "/audio/loops/detect",
    tag = "audio_field_to_samples",
    request_body = LoopsRequest,
    responses((status = 200, body = DetectResponse), DetectErrors)
)]
async fn detect_loops(
    State(samples): State<FieldToSamples>,
    ContextJson(context, request): ContextJson<LoopsRequest>,
) -> Result<Json<DetectResponse>, Error> {
    samples.detect(&context, &request).await.map(Json)
}

http_kit::error_responses!(PhrasesErrors:
    ASSET_NOT_FOUND, SOURCE_CHANGED, INVALID_BODY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA, WORDS_NOT_FOUND,
    SEMANTICS_UNREADABLE, TRANSCRIPT_UNREADABLE, SLICE_TOO_LARGE, QUEUE_FULL, OVERTAKEN, DECODER_UNAVAILABLE,
);

/// Find spoken phrases
///
/// Groups the words of the newest transcript, or else of the semantic timeline; `events` are `VoicePhrase`s ordered by
/// time.
#[utoipa::path(
    post,
    path = "/audio/voice-phrases/detect",
    operation_id = "detect_voice_phrases",
    tag = "audio_field_to_samples",
    request_body = PhrasesRequest,
    responses((status = 200, body = DetectResponse), PhrasesErrors)
)]
async fn detect_phrases(
    State(samples): State<FieldToSamples>,
    ContextJson(context, request): ContextJson<PhrasesRequest>,
) -> Result<Json<DetectResponse>, Error> {
    samples.detect(&context, &request).await.map(Json)
}
