//! Parses the multipart form of a transcription request.

use axum::RequestExt;
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{Multipart, Request};
use blob_store::BlobWriter;
use http_kit::multipart::ParserBudget;
use media_v2::{MediaError, MediaService};
use serde_json::{Value, json};

use super::error::OpenAiError;
use crate::EffectiveParams;

/// Maximum size of a text field, in bytes: a prompt of 1 000 characters has at most 4 000.
const MAX_FIELD_BYTES: usize = 8 << 10;
const MAX_PARTS: usize = 64;

/// Format of the response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ResponseFormat {
    #[default]
    Json,
    Text,
    Srt,
    VerboseJson,
    Vtt,
}

/// Form fields that may replace the context's headers.
const CONTEXT_FIELDS: [&str; 3] = ["tenant_id", "env", "user_id"];

/// A partially parsed request.
#[derive(Default)]
pub(super) struct TranscriptionForm {
    context_fields: [Option<String>; 3],
    file: Option<Upload>,
    model: Option<String>,
    language: Option<String>,
    prompt: Option<String>,
    response_format: ResponseFormat,
    word_times: bool,
    segment_times: bool,
    keeps_upload: Option<bool>,
}

/// The uploaded recording, in the staging directory until it is stored or dropped.
pub(super) struct Upload {
    pub(super) writer: BlobWriter,
    pub(super) file_name: Option<String>,
}

/// A request with all required fields.
pub(super) struct Transcription {
    pub(super) context_fields: [Option<String>; 3],
    pub(super) upload: Upload,
    pub(super) options: TranscriptionOptions,
}

/// The fields of a request, without the file.
#[derive(Clone, Debug)]
pub(super) struct TranscriptionOptions {
    /// Name of a model in the model directory; `None` for the configured one.
    pub(super) model: Option<String>,
    pub(super) params: EffectiveParams,
    pub(super) response_format: ResponseFormat,
    pub(super) granularities: interchange::openai::Granularities,
    /// Whether the upload is stored as an asset.
    pub(super) keeps_upload: bool,
}

impl TranscriptionOptions {
    /// The fields that identify identical requests, besides the file.
    pub(super) fn fingerprint(&self) -> Value {
        json!({
            "call": "POST /v1/audio/transcriptions", "model": self.model, "language": self.params.language,
            "prompt": self.params.prompt, "response_format": format!("{:?}", self.response_format),
            "words": self.granularities.words, "segments": self.granularities.segments,
            "store": self.keeps_upload,
        })
    }
}

/// Parses the form; the file is streamed to the staging directory.
pub(super) async fn read(
    media: &MediaService,
    request: Request,
    max_upload_bytes: u64,
) -> Result<Transcription, OpenAiError> {
    let budget = ParserBudget::default();
    let request = budget.wrap(request);
    let parts: Result<Multipart, MultipartRejection> = request.extract().await;
    let mut parts = parts.map_err(|rejection| MediaError::MalformedMultipart(rejection.body_text()))?;
    let mut form = TranscriptionForm::default();
    let mut count = 0;
    while let Some(field) = parts.next_field().await.map_err(media_v2::broken_form)? {
        budget.reset();
        count += 1;
        if count > MAX_PARTS {
            return Err(OpenAiError::invalid("", format!("the form has more than {MAX_PARTS} parts")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            form.file = Some(receive(media, field, &budget, max_upload_bytes).await?);
        } else {
            let text = text(&name, field, &budget).await?;
            form.set(&name, text)?;
        }
    }
    form.complete()
}

impl TranscriptionForm {
    fn set(&mut self, name: &str, text: String) -> Result<(), OpenAiError> {
        if let Some(slot) = CONTEXT_FIELDS.iter().position(|context| *context == name) {
            self.context_fields[slot] = Some(text);
            return Ok(());
        }
        let unsupported = |detail: &str| OpenAiError::unsupported(name, detail);
        match name {
            "model" => self.model = Some(text),
            "language" => self.language = Some(text).filter(|text| !text.is_empty()),
            "prompt" => self.prompt = Some(text),
            "response_format" => self.response_format = response_format(&text)?,
            "timestamp_granularities" | "timestamp_granularities[]" => match text.as_str() {
                "word" => self.word_times = true,
                "segment" => self.segment_times = true,
                _ => return Err(OpenAiError::invalid(name, "expected `word` or `segment`")),
            },
            "store" => match text.as_str() {
                "true" => self.keeps_upload = Some(true),
                "false" => self.keeps_upload = Some(false),
                _ => return Err(OpenAiError::invalid(name, "expected `true` or `false`")),
            },
            "temperature" if text.parse() == Ok(0.0) => {}
            "temperature" => {
                return Err(unsupported("only 0 is supported: words are decoded without sampling"));
            }
            "stream" if text == "false" => {}
            "stream" => return Err(unsupported("streaming is not supported; leave `stream` out")),
            _ => {
                let name: String = name.chars().take(64).collect();
                return Err(unsupported(&format!("`{name}` is not supported; leave it out")));
            }
        }
        Ok(())
    }

    fn complete(self) -> Result<Transcription, OpenAiError> {
        let missing = |name| OpenAiError::invalid(name, format!("the form has no `{name}`; add it"));
        let has_times = self.word_times || self.segment_times;
        if has_times && self.response_format != ResponseFormat::VerboseJson {
            let detail = "`timestamp_granularities` needs `response_format` `verbose_json`";
            return Err(OpenAiError::invalid("timestamp_granularities", detail));
        }
        let model = self.model.ok_or_else(|| missing("model"))?;
        let params = EffectiveParams {
            language: EffectiveParams::requested_language(self.language),
            prompt: self.prompt.unwrap_or_default(),
            ..EffectiveParams::default()
        };
        params.check()?;
        let granularities = interchange::openai::Granularities {
            words: self.word_times,
            segments: self.segment_times || !self.word_times,
        };
        let options = TranscriptionOptions {
            model: Some(model).filter(|model| model != "whisper-1"),
            params,
            response_format: self.response_format,
            granularities,
            keeps_upload: self.keeps_upload.unwrap_or(true),
        };
        let upload = self.file.ok_or_else(|| missing("file"))?;
        Ok(Transcription { context_fields: self.context_fields, upload, options })
    }
}

fn response_format(text: &str) -> Result<ResponseFormat, OpenAiError> {
    Ok(match text {
        "json" => ResponseFormat::Json,
        "text" => ResponseFormat::Text,
        "srt" => ResponseFormat::Srt,
        "verbose_json" => ResponseFormat::VerboseJson,
        "vtt" => ResponseFormat::Vtt,
        _ => {
            let detail = "expected json, text, srt, verbose_json or vtt";
            return Err(OpenAiError::invalid("response_format", detail));
        }
    })
}

async fn receive(
    media: &MediaService,
    mut field: Field<'_>,
    budget: &ParserBudget,
    limit_bytes: u64,
) -> Result<Upload, OpenAiError> {
    let file_name = field.file_name().and_then(media_v2::file_name);
    let mut writer = media.blobs().writer().await.map_err(MediaError::from)?;
    while let Some(piece) = field.chunk().await.map_err(media_v2::broken_form)? {
        budget.reset();
        if writer.size_bytes() + piece.len() as u64 > limit_bytes {
            return Err(MediaError::UploadTooLarge { limit_bytes }.into());
        }
        writer.write(piece).await.map_err(MediaError::from)?;
    }
    Ok(Upload { writer, file_name })
}

async fn text(name: &str, mut field: Field<'_>, budget: &ParserBudget) -> Result<String, OpenAiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(media_v2::broken_form)? {
        budget.reset();
        if bytes.len() + piece.len() > MAX_FIELD_BYTES {
            let detail = format!("is longer than {MAX_FIELD_BYTES} bytes");
            return Err(OpenAiError::invalid(name, detail));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| OpenAiError::invalid(name, "is not UTF-8"))
}
