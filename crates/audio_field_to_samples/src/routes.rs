use axum::extract::State;
use http_kit::{ContextJson, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::{
    DetectResponse, HitsRequest, LoopsRequest, PhrasesRequest, SamplesRequest, SamplesResponse,
};
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
    responses(
        (status = 200, body = SamplesResponse),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`asset_not_found`"),
        (status = 409, description = "`source_changed`"),
        (status = 422, description = "`invalid_body`, `no_audio_stream`, `undecodable_media`"),
        (status = 503, description = "`queue_full`, `overtaken`, `decoder_unavailable`"),
    )
)]
async fn field_to_samples(
    State(samples): State<FieldToSamples>,
    ContextJson(context, request): ContextJson<SamplesRequest>,
) -> Result<Json<SamplesResponse>, Error> {
    samples.samples(&context, &request).await.map(Json)
}

/// Find hits
///
/// Detects single struck sounds; `events` are `HitEvent`s ordered by time.
#[utoipa::path(
    post,
    path = "/audio/hits/detect",
    tag = "audio_field_to_samples",
    request_body = HitsRequest,
    responses(
        (status = 200, body = DetectResponse),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`asset_not_found`"),
        (status = 409, description = "`source_changed`"),
        (status = 422, description = "`invalid_body`, `no_audio_stream`, `undecodable_media`, `slice_too_large`"),
        (status = 503, description = "`queue_full`, `overtaken`, `decoder_unavailable`"),
    )
)]
async fn detect_hits(
    State(samples): State<FieldToSamples>,
    ContextJson(context, request): ContextJson<HitsRequest>,
) -> Result<Json<DetectResponse>, Error> {
    samples.hits(&context, &request).await.map(Json)
}

/// Find loops
///
/// Detects whole bars that can be repeated; `events` are `LoopEvent`s, best first, at most ten.
#[utoipa::path(
    post,
    path = "/audio/loops/detect",
    tag = "audio_field_to_samples",
    request_body = LoopsRequest,
    responses(
        (status = 200, body = DetectResponse),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`asset_not_found`"),
        (status = 409, description = "`source_changed`"),
        (status = 422, description = "`invalid_body`, `no_audio_stream`, `undecodable_media`, `slice_too_large`"),
        (status = 503, description = "`queue_full`, `overtaken`, `decoder_unavailable`"),
    )
)]
async fn detect_loops(
    State(samples): State<FieldToSamples>,
    ContextJson(context, request): ContextJson<LoopsRequest>,
) -> Result<Json<DetectResponse>, Error> {
    samples.loops(&context, &request).await.map(Json)
}

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
    responses(
        (status = 200, body = DetectResponse),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`asset_not_found`"),
        (status = 409, description = "`source_changed`"),
        (status = 422, description = "`invalid_body`, `no_audio_stream`, `undecodable_media`, `words_not_found`, \
            `transcript_unreadable`, `slice_too_large`"),
        (status = 503, description = "`queue_full`, `overtaken`, `decoder_unavailable`"),
    )
)]
async fn detect_phrases(
    State(samples): State<FieldToSamples>,
    ContextJson(context, request): ContextJson<PhrasesRequest>,
) -> Result<Json<DetectResponse>, Error> {
    samples.phrases(&context, &request).await.map(Json)
}
