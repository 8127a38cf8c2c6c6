//! `POST /media-v2/assets` as multipart: the file streams to storage while the form is read.

use axum::RequestExt;
use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blob_store::BlobWriter;
use http_kit::RequestId;
use http_kit::idempotency::{self, Keys};
use http_kit::multipart::ParserBudget;
use http_kit::{BodyTimedOut, Json, Problem, RequestContext};
use primitives::canonical_json;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::description::once;
use crate::{Description, MediaAsset, MediaError, MediaService, rules};

/// The longest text field, in bytes.
const MAX_FIELD: usize = 512 << 10;
const MAX_PARTS: usize = 128;
/// Most bytes that a form may add to its file.
const FORM_OVERHEAD: u64 = 8 << 20;
const CONTEXT_FIELDS: [&str; 3] = ["tenant_id", "env", "user_id"];

/// A partly received form. Dropping it removes the staged file.
#[derive(Default)]
struct Form {
    context_fields: [Option<String>; 3],
    description: Description,
    file: Option<UploadedFile>,
}

struct UploadedFile {
    context: RequestContext,
    writer: BlobWriter,
    name: Option<String>,
}

/// One part of the form, and the parser's budget.
struct Part<'form, 'budget> {
    field: Field<'form>,
    budget: &'budget ParserBudget,
}

impl Part<'_, '_> {
    async fn piece(&mut self) -> Result<Option<Bytes>, MediaError> {
        let piece = self.field.chunk().await.map_err(broken_form)?;
        self.budget.reset();
        Ok(piece)
    }
}

pub(super) async fn upload(service: &MediaService, request: Request) -> Result<Response, Problem> {
    refuse_by_length(service, request.headers())?;
    let key = Keys::of(request.extensions()).cloned().zip(idempotency::key_of(request.headers())?);
    let headers = request.headers().clone();
    let request_id = RequestId::of(request.extensions()).to_owned();
    let budget = ParserBudget::default();
    let request = budget.wrap(request);
    let mut parts: Multipart =
        request.extract().await.map_err(|rejection: axum::extract::multipart::MultipartRejection| {
            MediaError::MalformedMultipart(rejection.body_text())
        })?;

    let mut form = Form::default();
    let mut count = 0;
    while let Some(field) = parts.next_field().await.map_err(broken_form)? {
        budget.reset();
        count += 1;
        if count > MAX_PARTS {
            return Err(MediaError::field("", format!("the form has more than {MAX_PARTS} parts")).into());
        }
        form.read(service, Part { field, budget: &budget }, &headers, &request_id).await?;
    }
    let Some(file) = form.file else {
        return Err(MediaError::field("/file", "the form has no file").into());
    };
    let Some((keys, key)) = key else {
        return register(service, file, form.description).await;
    };
    let fingerprint = fingerprint(&file, &form.description)?;
    let (service, scope) = (service.clone(), file.context.scope.clone());
    let call = async move {
        register(&service, file, form.description).await.unwrap_or_else(IntoResponse::into_response)
    };
    keys.once(&scope, key, fingerprint, call).await
}

async fn register(
    service: &MediaService,
    file: UploadedFile,
    description: Description,
) -> Result<Response, Problem> {
    let asset = service.register_upload(&file.context, file.writer, file.name, description).await?;
    Ok(created(asset))
}

/// The idempotency fingerprint of an upload: everything except the boundary and the order of fields.
fn fingerprint(file: &UploadedFile, description: &Description) -> Result<[u8; 32], MediaError> {
    let content = json!({
        "call": "POST /media-v2/assets", "user_id": file.context.user_id, "sha256": file.writer.id()?.to_hex(),
        "file_name": file.name, "kind": description.kind, "tags": description.tags,
        "source_ref": description.source_ref, "meta": description.meta,
    });
    Ok(Sha256::digest(canonical_json(&content)).into())
}

/// Answer 201 with the asset.
pub(super) fn created(asset: MediaAsset) -> Response {
    let location = format!("/media-v2/assets/{}", asset.id);
    (StatusCode::CREATED, [(header::LOCATION, location)], Json(asset)).into_response()
}

impl Form {
    async fn read(
        &mut self,
        service: &MediaService,
        part: Part<'_, '_>,
        headers: &HeaderMap,
        request_id: &str,
    ) -> Result<(), Problem> {
        let name = part.field.name().unwrap_or_default().to_owned();
        if name == "file" {
            if self.file.is_some() {
                return Err(MediaError::field("/file", "is given twice; upload one file at a time").into());
            }
            let fields = self.context_fields.each_ref().map(Option::as_deref);
            let context = RequestContext::resolve(headers, fields, request_id)?;
            self.file = Some(receive(service, context, part).await?);
            return Ok(());
        }
        if let Some(slot) = CONTEXT_FIELDS.iter().position(|context| *context == name) {
            if self.file.is_some() {
                return Err(MediaError::field(format!("/{name}"), "must come before the file").into());
            }
            return Ok(once(&name, &mut self.context_fields[slot], text(&name, part).await?)?);
        }
        Ok(self.describe(&name, part).await?)
    }

    async fn describe(&mut self, name: &str, part: Part<'_, '_>) -> Result<(), MediaError> {
        if Description::FIELDS.contains(&name) {
            return self.description.set(name, text(name, part).await?);
        }
        let detail = "unknown field; expected file, kind, tags, source_ref, meta, tenant_id, env, user_id";
        Err(MediaError::field(format!("/{}", name.chars().take(64).collect::<String>()), detail))
    }
}

async fn text(name: &str, mut part: Part<'_, '_>) -> Result<String, MediaError> {
    let mut bytes = Vec::new();
    while let Some(piece) = part.piece().await? {
        if bytes.len() + piece.len() > MAX_FIELD {
            return Err(MediaError::field(format!("/{name}"), format!("is longer than {MAX_FIELD} bytes")));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| MediaError::field(format!("/{name}"), "is not UTF-8"))
}

/// Streams the file to the blob store; one piece is in memory at a time.
async fn receive(
    service: &MediaService,
    context: RequestContext,
    mut part: Part<'_, '_>,
) -> Result<UploadedFile, MediaError> {
    let name = part.field.file_name().and_then(rules::file_name);
    let mut writer = service.blobs().writer().await?;
    let limit_bytes = service.max_upload_bytes();
    while let Some(piece) = part.piece().await? {
        if writer.size_bytes() + piece.len() as u64 > limit_bytes {
            return Err(MediaError::UploadTooLarge { limit_bytes });
        }
        writer.write(piece).await?;
    }
    Ok(UploadedFile { context, writer, name })
}

/// Rejects an upload by its declared length, before its bytes are received.
fn refuse_by_length(service: &MediaService, headers: &HeaderMap) -> Result<(), MediaError> {
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let limit_bytes = service.max_upload_bytes();
    match declared {
        Some(length) if length > limit_bytes.saturating_add(FORM_OVERHEAD) => {
            Err(MediaError::UploadTooLarge { limit_bytes })
        }
        _ => Ok(()),
    }
}

/// The error of a form that cannot be read further.
pub fn broken_form(error: MultipartError) -> MediaError {
    if BodyTimedOut::caused(&error) {
        return MediaError::UploadTimedOut;
    }
    MediaError::MalformedMultipart(error.body_text())
}
