use audio_semantic_timeline::codes::{SEMANTICS_UNREADABLE, WORDS_NOT_FOUND};
use axum::extract::{DefaultBodyLimit, State};
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY, QUEUE_FULL};
use http_kit::openapi::Binary;
use http_kit::{ContextJson, Json};
use media_v2::codes::{DECODER_UNAVAILABLE, NO_AUDIO_STREAM, SOURCE_CHANGED, UNDECODABLE_MEDIA};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::archive::{SampleArchive, SampleArchiveRequest};
use crate::codes::{NOT_A_SAMPLE, OVERTAKEN, SLICE_TOO_LARGE, TOO_MANY_FILES, TRANSCRIPT_UNREADABLE};
use crate::hits::HitsRequest;
use crate::loops::LoopsRequest;
use crate::model::{DetectResponse, SamplesRequest, SamplesResponse};
use crate::phrases::PhrasesRequest;
use crate::{Error, FieldToSamples};

/// Maximum body size of a request for an archive, in bytes: 10 000 ids of the greatest length.
const MAX_ARCHIVE_BODY: usize = 2 << 20;
/// Routes that accept larger bodies than others, with their limits in bytes.
pub const BODY_LIMITS: &[(&str, usize)] = &[("/audio/samples/archive", MAX_ARCHIVE_BODY)];

/// Routes of `POST /audio/field-to-samples`, of the single detectors and of archives of samples.
pub fn router(samples: FieldToSamples) -> OpenApiRouter {
    let archives =
        OpenApiRouter::new().routes(routes!(archive_samples)).layer(DefaultBodyLimit::max(MAX_ARCHIVE_BODY));
    OpenApiRouter::new()
        .merge(archives)
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

http_kit::error_responses!(ArchiveErrors: ARTIFACT_NOT_FOUND, INVALID_BODY, NOT_A_SAMPLE, TOO_MANY_FILES, QUEUE_FULL);

/// Download samples as a ZIP archive
///
/// `manifest.json`, which lists names, ids, windows and `meta` of all samples, and then the samples in the order of the
/// request, as `asset-position-role-bpm.wav`. The archive is streamed and not stored; the same request gets the same
/// bytes.
#[utoipa::path(
    post,
    path = "/audio/samples/archive",
    tag = "audio_field_to_samples",
    request_body = SampleArchiveRequest,
    responses(
        (status = 200, description = "The archive.", content((inline(Binary) = "application/zip"))),
        ArchiveErrors
    )
)]
async fn archive_samples(
    State(samples): State<FieldToSamples>,
    ContextJson(context, request): ContextJson<SampleArchiveRequest>,
) -> Result<SampleArchive, Error> {
    samples.archive(&context, &request.artifact_ids).await
}
