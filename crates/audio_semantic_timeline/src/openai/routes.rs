use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use http_kit::RequestId;
use http_kit::codes::{
    CONTEXT_MISMATCH, IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_MISMATCH, INTERNAL, INVALID_BODY, INVALID_CONTEXT,
    INVALID_IDEMPOTENCY_KEY, QUEUE_FULL, REQUEST_TIMEOUT, STORAGE_FULL,
};
use http_kit::idempotency::{self, Keys};
use http_kit::openapi::list_codes;
use http_kit::{ErrorCode, Json, Problem, RequestContext};
use interchange::captions::{CaptionLimits, captions};
use interchange::openai::{Transcription, VerboseTranscription, transcription, verbose};
use interchange::{srt, vtt};
use media_v2::MediaError;
use media_v2::codes::{
    DECODER_UNAVAILABLE, MALFORMED_MULTIPART, NO_AUDIO_STREAM, UNDECODABLE_MEDIA, UPLOAD_TOO_LARGE,
};
use primitives::canonical_json;
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{OpenAiError, OpenAiErrorBody};
use super::form::{self, ResponseFormat, TranscriptionOptions};
use crate::codes::{
    ANALYSIS_CANCELLED, BACKEND_UNAVAILABLE, MODEL_NOT_FOUND, UNSUPPORTED_LANGUAGE, UNSUPPORTED_PARAMETER,
};
use crate::{SemanticTimelines, Transcript};

#[derive(Clone)]
struct Transcriptions {
    timelines: SemanticTimelines,
    max_upload_bytes: u64,
}

/// The route `/v1/audio/transcriptions`; files larger than `max_upload_bytes` are rejected.
pub fn router(timelines: SemanticTimelines, max_upload_bytes: u64) -> OpenApiRouter {
    let transcriptions = Transcriptions { timelines, max_upload_bytes };
    OpenApiRouter::new().routes(routes!(create_transcription)).with_state(transcriptions)
}

/// The multipart form of a transcription request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the multipart form for OpenAPI; `form` reads it")]
#[serde(deny_unknown_fields)]
struct CreateTranscription {
    #[schema(value_type = String, required = false)]
    tenant_id: Option<String>,
    #[schema(value_type = String, required = false)]
    env: Option<String>,
    #[schema(value_type = String, required = false)]
    user_id: Option<String>,
    /// The recording to transcribe.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// `whisper-1` for the configured model, or the name of one in the model directory.
    model: String,
    /// ISO 639-1 code; detected by default, and with `auto`.
    #[schema(value_type = String, required = false)]
    language: Option<String>,
    /// Preceding context, at most 1 000 characters.
    #[schema(value_type = String, required = false)]
    prompt: Option<String>,
    /// `json`, `text`, `srt`, `verbose_json` or `vtt`; `json` by default.
    #[schema(value_type = String, required = false)]
    response_format: Option<String>,
    /// `word` and `segment`, with `verbose_json`; `segment` by default.
    #[schema(rename = "timestamp_granularities[]", value_type = Vec<String>, required = false)]
    timestamp_granularities: Option<Vec<String>>,
    /// Only 0 is supported.
    #[schema(value_type = f64, required = false)]
    temperature: Option<f64>,
    /// Whether to store the upload as an asset; true by default. Not part of OpenAI's API.
    #[schema(value_type = bool, required = false)]
    store: Option<bool>,
}

/// The body for `json` or `verbose_json`.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the bodies for OpenAPI")]
enum TranscriptionJson {
    // Clients take the first variant that matches, and every verbose response has a text.
    Verbose(VerboseTranscription),
    Text(Transcription),
}

/// Codes of 400, which OpenAI's API has in place of 422.
const BAD_REQUESTS: [ErrorCode; 9] = [
    INVALID_CONTEXT,
    MALFORMED_MULTIPART,
    INVALID_BODY,
    UNSUPPORTED_PARAMETER,
    UNSUPPORTED_LANGUAGE,
    NO_AUDIO_STREAM,
    UNDECODABLE_MEDIA,
    INVALID_IDEMPOTENCY_KEY,
    IDEMPOTENCY_MISMATCH,
];
/// Codes of 503.
const UNAVAILABLE: [ErrorCode; 4] =
    [BACKEND_UNAVAILABLE, DECODER_UNAVAILABLE, QUEUE_FULL, ANALYSIS_CANCELLED];

/// Transcribe an upload, compatible with OpenAI's API
///
/// Unsupported fields are 400. The upload is stored as an asset with a semantic timeline, unless `store` is `false`.
#[utoipa::path(
    post,
    path = "/v1/audio/transcriptions",
    operation_id = "create_transcription",
    tag = "openai",
    request_body(content = CreateTranscription, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "As `response_format` has it", content(
            (TranscriptionJson = "application/json"),
            (String = "text/plain"),
            (String = "application/x-subrip"),
            (String = "text/vtt"),
        )),
        (status = 400, description = list_codes(&BAD_REQUESTS), body = OpenAiErrorBody),
        (status = 403, description = list_codes(&[CONTEXT_MISMATCH]), body = OpenAiErrorBody),
        (status = 404, description = list_codes(&[MODEL_NOT_FOUND]), body = OpenAiErrorBody),
        (status = 409, description = list_codes(&[IDEMPOTENCY_IN_PROGRESS]), body = OpenAiErrorBody),
        (status = 408, description = list_codes(&[REQUEST_TIMEOUT]), body = OpenAiErrorBody),
        (status = 413, description = list_codes(&[UPLOAD_TOO_LARGE]), body = OpenAiErrorBody),
        (status = 500, description = list_codes(&[INTERNAL]), body = OpenAiErrorBody),
        (status = 503, description = list_codes(&UNAVAILABLE), body = OpenAiErrorBody),
        (status = 507, description = list_codes(&[STORAGE_FULL]), body = OpenAiErrorBody),
    )
)]
async fn create_transcription(
    State(transcriptions): State<Transcriptions>,
    mut request: Request,
) -> Result<Response, OpenAiError> {
    DefaultBodyLimit::disable().apply(&mut request);
    let Transcriptions { timelines, max_upload_bytes } = transcriptions;
    let request_id = RequestId::of(request.extensions()).to_owned();
    let headers = request.headers().clone();
    let key = Keys::of(request.extensions()).cloned().zip(idempotency::key_of(&headers)?);
    let form = form::read(timelines.media(), request, max_upload_bytes).await?;
    let fields = form.context_fields.each_ref().map(Option::as_deref);
    let context = RequestContext::resolve(&headers, fields, &request_id)?;
    let options = form.options.clone();
    let file = form.upload.writer.id().map_err(MediaError::from)?.to_hex();
    let content = json!({"options": options.fingerprint(), "user_id": context.user_id, "sha256": file});
    let scope = context.scope.clone();
    let call = async move {
        let transcript = timelines.transcribe(&context, form).await.map_err(OpenAiError::from)?;
        let written = tokio::task::spawn_blocking(move || written(&transcript, &options)).await;
        Ok(written.map_err(Problem::internal)?)
    };
    let Some((keys, key)) = key else { return call.await };
    let fingerprint = Sha256::digest(canonical_json(&content)).into();
    let call = Box::pin(async move { call.await.unwrap_or_else(IntoResponse::into_response) });
    Ok(keys.once(&scope, key, fingerprint, call).await?)
}

fn written(transcript: &Transcript, options: &TranscriptionOptions) -> Response {
    let text = transcript.timed_text();
    let captions = || captions(&text, &CaptionLimits::DEFAULT);
    let plain = |media_type: &'static str, text: String| ([(CONTENT_TYPE, media_type)], text).into_response();
    match options.response_format {
        ResponseFormat::Json => Json(transcription(&text)).into_response(),
        ResponseFormat::VerboseJson => {
            let language = transcript.language_name();
            Json(verbose(&text, "transcribe", language, options.granularities)).into_response()
        }
        ResponseFormat::Text => plain("text/plain; charset=utf-8", transcription(&text).text + "\n"),
        ResponseFormat::Srt => plain("application/x-subrip; charset=utf-8", srt::srt(&captions())),
        ResponseFormat::Vtt => plain("text/vtt; charset=utf-8", vtt::vtt(&captions())),
    }
}
