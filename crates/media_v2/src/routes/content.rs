use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blob_store::BlobId;
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, RANGE_NOT_SATISFIABLE};
use http_kit::openapi::Binary;
use http_kit::{Path, Problem, RequestContext, path_id};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::codes::{PRECONDITION_FAILED, SOURCE_CHANGED, SOURCE_NOT_ALLOWED, SOURCE_UNREADABLE};
use crate::opening::check_size;
use crate::range::{Conditions, Selection, lines};
use crate::{Content, MediaError, MediaService, media_type};

/// Size in bytes of the pieces in which a file is streamed.
const PIECE: usize = 256 << 10;

http_kit::error_responses!(AssetContentErrors:
    ASSET_NOT_FOUND, SOURCE_CHANGED, PRECONDITION_FAILED, RANGE_NOT_SATISFIABLE, SOURCE_NOT_ALLOWED,
    SOURCE_UNREADABLE,
);

/// Read the bytes of a recording, whole or in part.
#[utoipa::path(
    get, path = "/media-v2/assets/{id}/content", operation_id = "get_asset_content", tag = "media_v2",
    params(
        ("id" = String, Path, description = "asset"),
        ("Range" = Option<String>, Header, description = "one range of bytes"),
        ("If-Range" = Option<String>, Header, description = "the ETag that the range applies to"),
        ("If-None-Match" = Option<String>, Header, description = "ETags that the caller already has"),
    ),
    responses(
        (status = 200, description = "All bytes.", content((inline(Binary) = "*/*"), (inline(Binary) = "application/octet-stream"))),
        (status = 206, description = "The range.", content((inline(Binary) = "*/*"), (inline(Binary) = "application/octet-stream"))),
        (status = 304, description = "The caller's copy is current."),
        AssetContentErrors,
    )
)]
pub(crate) async fn asset_content(
    State(service): State<MediaService>,
    context: RequestContext,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = service.asset(&context.scope, &path_id(&id, ASSET_NOT_FOUND)?).await?;
    serve(&service, asset.content(), &method, &headers).await
}

http_kit::error_responses!(ArtifactContentErrors:
    ARTIFACT_NOT_FOUND, PRECONDITION_FAILED, RANGE_NOT_SATISFIABLE, SOURCE_NOT_ALLOWED, SOURCE_UNREADABLE,
);

/// Read the bytes of an artifact, whole or in part.
#[utoipa::path(
    get, path = "/media-v2/artifacts/{id}/content", operation_id = "get_artifact_content", tag = "media_v2",
    params(
        ("id" = String, Path, description = "artifact"),
        ("Range" = Option<String>, Header, description = "one range of bytes"),
        ("If-Range" = Option<String>, Header, description = "the ETag that the range applies to"),
        ("If-None-Match" = Option<String>, Header, description = "ETags that the caller already has"),
    ),
    responses(
        (status = 200, description = "All bytes.", content((inline(Binary) = "*/*"), (inline(Binary) = "application/octet-stream"))),
        (status = 206, description = "The range.", content((inline(Binary) = "*/*"), (inline(Binary) = "application/octet-stream"))),
        (status = 304, description = "The caller's copy is current."),
        ArtifactContentErrors,
    )
)]
pub(crate) async fn artifact_content(
    State(service): State<MediaService>,
    context: RequestContext,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let artifact = service.artifact(&context.scope, &path_id(&id, ARTIFACT_NOT_FOUND)?).await?;
    serve(&service, artifact.content(), &method, &headers).await
}

async fn serve(
    service: &MediaService,
    content: Content<'_>,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let bytes = Bytes::find(service, content).await?;
    let size = bytes.size();
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let etag = bytes.etag(content);
    let conditions = Conditions {
        if_match: lines(headers, &header::IF_MATCH),
        if_none_match: lines(headers, &header::IF_NONE_MATCH),
        if_range: text(header::IF_RANGE),
        // Ranges are defined for GET only.
        range: text(header::RANGE).filter(|_| method == Method::GET),
    };
    let (status, range) = match conditions.select(etag.as_deref(), size) {
        Selection::NotModified => (StatusCode::NOT_MODIFIED, None),
        Selection::PreconditionFailed => return Err(precondition_failed()),
        Selection::Unsatisfiable => return Ok(unsatisfiable(size)),
        Selection::Whole => (StatusCode::OK, Some(0..size)),
        Selection::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
    };
    let mut response = status.into_response();
    describe(response.headers_mut(), content, etag.as_deref());
    let Some(range) = range else { return Ok(response) };
    response.headers_mut().insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    if status == StatusCode::PARTIAL_CONTENT {
        let content_range = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        insert(response.headers_mut(), header::CONTENT_RANGE, &content_range);
    }
    if method == Method::GET {
        *response.body_mut() = bytes.stream(service, range).await?;
    }
    Ok(response)
}

/// The located bytes of a content, with their number.
enum Bytes {
    Blob(BlobId, u64),
    File(std::fs::File, u64),
}

impl Bytes {
    async fn find(service: &MediaService, content: Content<'_>) -> Result<Self, MediaError> {
        match BlobId::from_uri(content.uri) {
            Ok(id) => {
                let size = service.blobs().size(id).await?;
                check_size(content, size)?;
                Ok(Self::Blob(id, size))
            }
            Err(_) => {
                let file = File::from_std(service.open_file(content).await?);
                let size = file.metadata().await?.len();
                Ok(Self::File(file.into_std().await, size))
            }
        }
    }

    /// The strong entity tag, with its quotes. A file outside the store may change without changing its size, so its
    /// tag includes its inode and modification time.
    fn etag(&self, content: Content<'_>) -> Option<String> {
        let sha256 = content.sha256?;
        match self {
            Self::Blob(..) => Some(format!("\"{sha256}\"")),
            Self::File(file, _) => {
                let meta = file.metadata().ok()?;
                let changed = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
                Some(format!("\"{sha256}-{changed:x}-{:x}\"", meta.ino()))
            }
        }
    }

    const fn size(&self) -> u64 {
        match self {
            Self::Blob(_, size) | Self::File(_, size) => *size,
        }
    }

    async fn stream(self, service: &MediaService, range: Range<u64>) -> Result<Body, MediaError> {
        match self {
            Self::Blob(id, _) => Ok(Body::from_stream(service.blobs().read(id, range).await?)),
            Self::File(file, _) => {
                let mut file = File::from_std(file);
                file.seek(std::io::SeekFrom::Start(range.start)).await?;
                let part = file.take(range.end - range.start);
                Ok(Body::from_stream(ReaderStream::with_capacity(part, PIECE)))
            }
        }
    }
}

fn describe(headers: &mut HeaderMap, content: Content<'_>, etag: Option<&str>) {
    let media_type = media_type::safe(content.media_type);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A blob never changes; a file outside the store may.
    let is_blob = BlobId::from_uri(content.uri).is_ok();
    let caching = if is_blob { "private, max-age=31536000, immutable" } else { "private, no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("x-tenant-id, x-env"));
    insert(headers, header::CONTENT_DISPOSITION, &disposition(media_type, content.file_name));
    if let Some(etag) = etag {
        insert(headers, header::ETAG, etag);
    }
}

/// Inserts `value` if it is a valid header value, as the values of all callers are.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// `Content-Disposition` of content.
fn disposition(media_type: &str, file_name: Option<&str>) -> String {
    let name = file_name.and_then(crate::rules::file_name);
    http_kit::content_disposition(media_type::is_shown_inline(media_type), name.as_deref())
}

fn precondition_failed() -> Problem {
    Problem::new(PRECONDITION_FAILED, "the ETag of the content does not match If-Match")
}

/// A response without a body: [`http_kit::boundary`] converts it to a problem and keeps the header.
fn unsatisfiable(size: u64) -> Response {
    let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    insert(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size}"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_disposition_escapes_file_names() {
        assert_eq!(disposition("audio/wav", None), "inline");
        assert_eq!(
            disposition("audio/wav", Some("a\".wav")),
            "inline; filename=\"a_.wav\"; filename*=UTF-8''a%22.wav"
        );
        assert_eq!(
            disposition("application/octet-stream", Some("größe\r\n.html")),
            "attachment; filename=\"gr__e.html\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.html"
        );
    }
}
