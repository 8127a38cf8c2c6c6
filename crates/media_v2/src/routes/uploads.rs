//! Resumable uploads by the protocol tus 1.0: `/media-v2/uploads`.

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_kit::codes::{
    INVALID_BODY, METHOD_NOT_ALLOWED, QUEUE_FULL, REQUEST_TIMEOUT, UNREADABLE_BODY, UNSUPPORTED_MEDIA_TYPE,
};
use http_kit::idempotency::{self, Keys};
use http_kit::openapi::Binary;
use http_kit::{Json, Path, Problem, RequestContext, RequestId, path_id};
use primitives::{Id, canonical_json};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::tus;
use crate::MediaService;
use crate::codes::{
    INVALID_TUS_HEADER, TOO_MANY_UPLOADS, TUS_VERSION_UNSUPPORTED, UPLOAD_EXPIRED, UPLOAD_LOCKED,
    UPLOAD_NOT_FOUND, UPLOAD_OFFSET_MISMATCH, UPLOAD_TOO_LARGE,
};
use crate::model::{Upload, UploadStatus};
use crate::uploads::{ALGORITHMS, Chunk};

// In the descriptions, 460 is `default`: client generators know the registered statuses only.

/// Extensions of the protocol, as `Tus-Extension` lists them.
const EXTENSIONS: HeaderValue =
    HeaderValue::from_static("creation,creation-with-upload,expiration,checksum,termination");

http_kit::error_responses!(CreateUploadErrors:
    INVALID_TUS_HEADER, UNREADABLE_BODY, UPLOAD_NOT_FOUND, REQUEST_TIMEOUT, UPLOAD_OFFSET_MISMATCH, UPLOAD_EXPIRED,
    TUS_VERSION_UNSUPPORTED, UPLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, INVALID_BODY, UPLOAD_LOCKED, TOO_MANY_UPLOADS,
    QUEUE_FULL,
);

/// Begin a resumable upload.
///
/// The protocol is tus 1.0. `Upload-Metadata` may have `filename`, `kind`, `tags`, `source_ref` and `meta`, with the
/// values of the multipart form. The body may have the first bytes.
#[utoipa::path(
    post, path = "/media-v2/uploads", tag = "media_v2",
    params(
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Length" = u64, Header, description = "Number of bytes of the file."),
        ("Upload-Metadata" = Option<String>, Header, description = "Keys with values in base64."),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, and the digest of the body in base64."),
    ),
    request_body(content = inline(Binary), content_type = "application/offset+octet-stream"),
    responses(
        (status = 201, description = "The upload; `Location` is its URL, `Upload-Offset` the number of stored bytes.", body = UploadStatus),
        CreateUploadErrors,
        (status = "default", description = "460 `checksum_mismatch`"),
    )
)]
pub(crate) async fn create_upload(
    State(service): State<MediaService>,
    request: Request,
) -> Result<Response, Problem> {
    let context = context_of(&request)?;
    let headers = request.headers();
    tus::require_version(headers)?;
    let has_bytes = !request.body().is_end_stream();
    if has_bytes && !tus::is_offset_stream(headers) {
        return Err(wrong_media_type());
    }
    let (length_bytes, metadata) = (tus::upload_length(headers)?, tus::upload_metadata(headers)?);
    let first = Chunk {
        offset_bytes: 0,
        length_bytes: tus::content_length(headers),
        checksum: tus::upload_checksum(headers)?,
        body: Body::empty(),
    };
    let key = Keys::of(request.extensions()).cloned().zip(idempotency::key_of(headers)?);
    let created = create(&service, &context, key, length_bytes, metadata).await?;
    let Some(id) = id_of(&created) else { return Ok(created) };

    let mut upload = service.upload(&context.scope, &id).await?;
    // A call that is repeated under its key continues as `Upload-Offset` of the answer says.
    if has_bytes && upload.progress.offset_bytes == 0 {
        let chunk = Chunk { body: request.into_body(), ..first };
        upload = service.append_upload(&context.scope, &id, chunk).await?;
    }
    let mut response = (StatusCode::CREATED, Json(UploadStatus::from(&upload))).into_response();
    for name in [header::LOCATION, HeaderName::from_static("idempotency-replayed")] {
        if let Some(value) = created.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    tus::describe(response.headers_mut(), &upload);
    Ok(response)
}

/// Creates the upload, once for an `Idempotency-Key`. The answer has its `Location`, or is that of an error.
async fn create(
    service: &MediaService,
    context: &RequestContext,
    key: Option<(Keys, Id)>,
    length_bytes: u64,
    metadata: String,
) -> Result<Response, Problem> {
    let Some((keys, key)) = key else {
        return Ok(location(&service.create_upload(context, length_bytes, metadata).await?));
    };
    let call = json!({
        "call": "POST /media-v2/uploads", "user_id": context.user_id, "length_bytes": length_bytes, "metadata": metadata,
    });
    let fingerprint = Sha256::digest(canonical_json(&call)).into();
    let (service, context, scope) = (service.clone(), context.clone(), context.scope.clone());
    let call = async move {
        let created = service.create_upload(&context, length_bytes, metadata).await;
        created.map_or_else(IntoResponse::into_response, |upload| location(&upload))
    };
    keys.once(&scope, key, fingerprint, call).await
}

fn location(upload: &Upload) -> Response {
    let location = format!("{}/{}", tus::UPLOADS, upload.id);
    (StatusCode::CREATED, [(header::LOCATION, location)]).into_response()
}

/// The id in the `Location` of a created upload.
fn id_of(created: &Response) -> Option<Id> {
    let location = created.headers().get(header::LOCATION)?.to_str().ok()?;
    location.rsplit('/').next()?.parse().ok()
}

http_kit::error_responses!(GetUploadErrors: UPLOAD_NOT_FOUND, UPLOAD_EXPIRED, QUEUE_FULL);

/// Read the state of a resumable upload.
///
/// HEAD answers the same headers: `Upload-Offset`, `Upload-Length`, `Upload-Metadata`, `Upload-Expires`, and
/// `Harkback-Asset-Id` once the asset exists.
#[utoipa::path(
    get, path = "/media-v2/uploads/{id}", tag = "media_v2", params(("id" = String, Path, description = "upload")),
    responses((status = 200, description = "The upload.", body = UploadStatus), GetUploadErrors)
)]
pub(crate) async fn get_upload(
    State(service): State<MediaService>,
    context: RequestContext,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let upload = service.upload(&context.scope, &path_id(&id, UPLOAD_NOT_FOUND)?).await?;
    let mut response = Json(UploadStatus::from(&upload)).into_response();
    if !upload.metadata.is_empty() {
        tus::insert(response.headers_mut(), tus::UPLOAD_METADATA, &upload.metadata);
    }
    tus::describe(response.headers_mut(), &upload);
    Ok(response)
}

http_kit::error_responses!(PatchUploadErrors:
    INVALID_TUS_HEADER, UNREADABLE_BODY, UPLOAD_NOT_FOUND, REQUEST_TIMEOUT, UPLOAD_OFFSET_MISMATCH, UPLOAD_EXPIRED,
    TUS_VERSION_UNSUPPORTED, UPLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, INVALID_BODY, UPLOAD_LOCKED, QUEUE_FULL,
);

/// Continue a resumable upload.
///
/// The answer to the last bytes comes when the asset exists, and has its id in `Harkback-Asset-Id`.
#[utoipa::path(
    patch, path = "/media-v2/uploads/{id}", tag = "media_v2",
    params(
        ("id" = String, Path, description = "upload"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Offset" = u64, Header, description = "Number of stored bytes, where the body continues."),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, and the digest of the body in base64."),
    ),
    request_body(content = inline(Binary), content_type = "application/offset+octet-stream"),
    responses(
        (status = 204, description = "The bytes are stored; `Upload-Offset` is the number of all."),
        PatchUploadErrors,
        (status = "default", description = "460 `checksum_mismatch`"),
    )
)]
pub(crate) async fn patch_upload(
    State(service): State<MediaService>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let context = context_of(&request)?;
    let id = path_id(&id, UPLOAD_NOT_FOUND)?;
    let headers = request.headers();
    tus::require_version(headers)?;
    if !tus::is_offset_stream(headers) {
        return Err(wrong_media_type());
    }
    let chunk = Chunk {
        offset_bytes: tus::upload_offset(headers)?,
        length_bytes: tus::content_length(headers),
        checksum: tus::upload_checksum(headers)?,
        body: request.into_body(),
    };
    let upload = service.append_upload(&context.scope, &id, chunk).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    tus::describe(response.headers_mut(), &upload);
    Ok(response)
}

http_kit::error_responses!(DeleteUploadErrors:
    UPLOAD_NOT_FOUND, UPLOAD_EXPIRED, TUS_VERSION_UNSUPPORTED, UPLOAD_LOCKED,
);

/// Delete a resumable upload and its bytes.
///
/// The asset of a finished upload remains.
#[utoipa::path(
    delete, path = "/media-v2/uploads/{id}", tag = "media_v2",
    params(
        ("id" = String, Path, description = "upload"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
    ),
    responses((status = 204, description = "Deleted."), DeleteUploadErrors)
)]
pub(crate) async fn delete_upload(
    State(service): State<MediaService>,
    context: RequestContext,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    tus::require_version(&headers)?;
    service.delete_upload(&context.scope, &path_id(&id, UPLOAD_NOT_FOUND)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `OPTIONS /media-v2/uploads`: the supported versions and extensions of the protocol. The OpenAPI document does not
/// list it.
pub(super) async fn upload_options(State(service): State<MediaService>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(tus::TUS_VERSION, HeaderValue::from_static("1.0.0"));
    headers.insert(tus::TUS_EXTENSION, EXTENSIONS);
    headers.insert(tus::TUS_MAX_SIZE, service.max_upload_bytes().into());
    headers.insert(tus::TUS_CHECKSUM_ALGORITHM, HeaderValue::from_static(ALGORITHMS));
    response
}

/// `POST /media-v2/uploads/{id}` with `X-HTTP-Method-Override`, for clients that cannot send PATCH or DELETE. It is no
/// operation of the OpenAPI document.
pub(super) async fn overridden(
    service: State<MediaService>,
    id: Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let method = request.headers().get("x-http-method-override").and_then(|value| value.to_str().ok());
    match method.map(str::to_ascii_uppercase).as_deref() {
        Some("PATCH") => patch_upload(service, id, request).await,
        Some("DELETE") => {
            let (context, headers) = (context_of(&request)?, request.headers().clone());
            delete_upload(service, context, id, headers).await.map(IntoResponse::into_response)
        }
        Some("HEAD") => {
            let state = get_upload(service, context_of(&request)?, id).await?;
            Ok(state.map(|_| Body::empty()))
        }
        _ => {
            context_of(&request)?;
            let detail = "POST needs `X-HTTP-Method-Override: PATCH`, `DELETE` or `HEAD` here";
            Err(Problem::new(METHOD_NOT_ALLOWED, detail))
        }
    }
}

fn context_of(request: &Request) -> Result<RequestContext, Problem> {
    RequestContext::resolve(request.headers(), [None; 3], RequestId::of(request.extensions()))
}

fn wrong_media_type() -> Problem {
    Problem::new(UNSUPPORTED_MEDIA_TYPE, format!("expected a body of type {}", tus::OFFSET_STREAM))
}
