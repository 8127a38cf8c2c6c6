//! Parses the multipart form of `POST /audio/identify`.

use axum::RequestExt;
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{Multipart, Request};
use axum::http::HeaderMap;
use blob_store::BlobWriter;
use http_kit::multipart::ParserBudget;
use http_kit::{Problem, RequestContext, RequestId};
use media_time::MediaTime;
use media_v2::{MediaError, MediaService, broken_form};
use serde::de::DeserializeOwned;

use crate::Error;
use crate::model::Variation;
use crate::query::QueryOptions;

/// Maximum size of a text field, in bytes.
const MAX_FIELD_BYTES: usize = 1 << 10;
const MAX_PARTS: usize = 32;
/// Form fields that may replace the context's headers.
const CONTEXT_FIELDS: [&str; 3] = ["tenant_id", "env", "user_id"];

/// An uploaded query. Dropping it removes the staged file.
pub(crate) struct UploadedQuery {
    pub(crate) context: RequestContext,
    pub(crate) upload: BlobWriter,
    pub(crate) options: QueryOptions,
}

/// A partly received form.
#[derive(Default)]
struct Form {
    context_fields: [Option<String>; 3],
    file: Option<(RequestContext, BlobWriter)>,
    start: MediaTime,
    end: Option<MediaTime>,
    min_confidence: Option<f64>,
    variation: Variation,
}

/// Receives the form; the file is streamed to the staging directory.
///
/// # Errors
/// [`MediaError::MalformedMultipart`], [`MediaError::UploadTooLarge`]; [`Error::Invalid`]; errors of the context and of the
/// store.
pub(crate) async fn read(media: &MediaService, request: Request) -> Result<UploadedQuery, Problem> {
    let headers = request.headers().clone();
    let request_id = RequestId::of(request.extensions()).to_owned();
    let budget = ParserBudget::default();
    let request = budget.wrap(request);
    let parts: Result<Multipart, MultipartRejection> = request.extract().await;
    let mut parts = parts.map_err(|rejection| MediaError::MalformedMultipart(rejection.body_text()))?;
    let (mut form, mut count) = (Form::default(), 0);
    while let Some(field) = parts.next_field().await.map_err(broken_form)? {
        budget.reset();
        count += 1;
        if count > MAX_PARTS {
            return Err(Error::invalid("", "the form has more than 32 parts").into());
        }
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            form.receive(media, field, &budget, (&headers, &request_id)).await?;
        } else {
            let text = text(&name, field, &budget).await?;
            form.set(&name, text)?;
        }
    }
    form.complete()
}

impl Form {
    /// Streams the file to the staging directory, for the context that the form and the headers have.
    async fn receive(
        &mut self,
        media: &MediaService,
        mut field: Field<'_>,
        budget: &ParserBudget,
        (headers, request_id): (&HeaderMap, &str),
    ) -> Result<(), Problem> {
        if self.file.is_some() {
            return Err(Error::invalid("/file", "is given twice; identify one file at a time").into());
        }
        let fields = self.context_fields.each_ref().map(Option::as_deref);
        let context = RequestContext::resolve(headers, fields, request_id)?;
        let mut writer = media.blobs().writer().await.map_err(MediaError::from)?;
        let limit_bytes = media.max_upload_bytes();
        while let Some(piece) = field.chunk().await.map_err(broken_form)? {
            budget.reset();
            if writer.size_bytes() + piece.len() as u64 > limit_bytes {
                return Err(MediaError::UploadTooLarge { limit_bytes }.into());
            }
            writer.write(piece).await.map_err(MediaError::from)?;
        }
        self.file = Some((context, writer));
        Ok(())
    }

    fn set(&mut self, name: &str, text: String) -> Result<(), Error> {
        if let Some(slot) = CONTEXT_FIELDS.iter().position(|context| *context == name) {
            if self.file.is_some() {
                return Err(Error::invalid(&format!("/{name}"), "must come before the file"));
            }
            self.context_fields[slot] = Some(text);
            return Ok(());
        }
        match name {
            "start_ms" => self.start = parse(name, &text)?,
            "end_ms" => self.end = Some(parse(name, &text)?),
            "min_confidence" => self.min_confidence = Some(parse(name, &text)?),
            "variation" => {
                self.variation = serde_json::from_value(text.into())
                    .map_err(|_| Error::invalid("/variation", "expected none or speed_and_pitch"))?;
            }
            "register" => {
                return Err(Error::invalid(
                    "/register",
                    "only artifacts have an origin map; give `artifact_id`",
                ));
            }
            _ => {
                let name: String = name.chars().take(64).collect();
                let detail = "unknown field; expected file, start_ms, end_ms, min_confidence, variation, tenant_id, env, user_id";
                return Err(Error::invalid(&format!("/{name}"), detail));
            }
        }
        Ok(())
    }

    fn complete(self) -> Result<UploadedQuery, Problem> {
        let Some((context, upload)) = self.file else {
            return Err(Error::invalid("/file", "the form has no file").into());
        };
        let options = QueryOptions {
            start: self.start,
            end: self.end,
            min_confidence: self.min_confidence.unwrap_or(audio_fingerprint::MIN_CONFIDENCE),
            variation: self.variation,
        };
        let violations = options.violations();
        if !violations.is_empty() {
            return Err(Error::Invalid(violations).into());
        }
        Ok(UploadedQuery { context, upload, options })
    }
}

/// A number, as in a JSON body.
fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| Error::invalid(&format!("/{name}"), "expected a number"))
}

async fn text(name: &str, mut field: Field<'_>, budget: &ParserBudget) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken_form)? {
        budget.reset();
        if bytes.len() + piece.len() > MAX_FIELD_BYTES {
            return Err(Error::invalid(&format!("/{name}"), "is longer than 1024 bytes").into());
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| Error::invalid(&format!("/{name}"), "is not UTF-8").into())
}
