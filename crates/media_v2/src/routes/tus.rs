//! Headers of the protocol tus 1.0.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, Utc};

use crate::MediaError;
use crate::model::{Upload, UploadState};
use crate::uploads::Checksum;

/// The only version of the protocol.
const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
/// Media type of the bytes of a request.
pub(super) const OFFSET_STREAM: &str = "application/offset+octet-stream";
/// Path of the uploads, with their ids below it.
pub(super) const UPLOADS: &str = "/media-v2/uploads";

pub(super) const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(super) const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
pub(super) const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub(super) const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
pub(super) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
/// Id of the asset that a finished upload has become.
const ASSET_ID: HeaderName = HeaderName::from_static("harkback-asset-id");

/// Middleware that adds `Tus-Resumable` to every answer of the uploads, and `Tus-Version` where the client has another
/// version. Mount it outside of [`http_kit::boundary::layer`], which writes the answers of errors.
pub async fn tus_headers(request: Request, next: Next) -> Response {
    let is_upload = is_upload_path(request.uri().path());
    let mut response = next.run(request).await;
    if is_upload {
        let is_refused = response.status() == StatusCode::PRECONDITION_FAILED;
        response.headers_mut().insert(TUS_RESUMABLE, VERSION);
        if is_refused {
            response.headers_mut().insert(TUS_VERSION, VERSION);
        }
    }
    response
}

fn is_upload_path(path: &str) -> bool {
    path.strip_prefix(UPLOADS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Refuses a client that does not declare this version of the protocol.
///
/// # Errors
/// [`MediaError::TusVersion`].
pub(super) fn require_version(headers: &HeaderMap) -> Result<(), MediaError> {
    if headers.get(TUS_RESUMABLE) == Some(&VERSION) { Ok(()) } else { Err(MediaError::TusVersion) }
}

/// # Errors
/// [`MediaError::TusHeader`] when it is missing or not a number of bytes.
pub(super) fn upload_length(headers: &HeaderMap) -> Result<u64, MediaError> {
    number(headers, UPLOAD_LENGTH, "Upload-Length")
}

/// # Errors
/// [`MediaError::TusHeader`] when it is missing or not a number of bytes.
pub(super) fn upload_offset(headers: &HeaderMap) -> Result<u64, MediaError> {
    number(headers, UPLOAD_OFFSET, "Upload-Offset")
}

fn number(headers: &HeaderMap, name: HeaderName, header: &'static str) -> Result<u64, MediaError> {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    let digits = value.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    // Postgres has signed numbers.
    let number = digits.and_then(|text| text.parse::<i64>().ok());
    let detail = || "is missing, or is not a number of bytes".to_owned();
    number.map(i64::cast_unsigned).ok_or_else(|| MediaError::TusHeader { header, detail: detail() })
}

/// # Errors
/// [`MediaError::TusHeader`] when it is malformed.
pub(super) fn upload_checksum(headers: &HeaderMap) -> Result<Option<Checksum>, MediaError> {
    let Some(value) = headers.get(UPLOAD_CHECKSUM) else { return Ok(None) };
    Checksum::parse(value.to_str().unwrap_or_default()).map(Some)
}

/// The header `Upload-Metadata`; empty if it is missing.
///
/// # Errors
/// [`MediaError::TusHeader`] when it is not ASCII text.
pub(super) fn upload_metadata(headers: &HeaderMap) -> Result<String, MediaError> {
    let Some(value) = headers.get(UPLOAD_METADATA) else { return Ok(String::new()) };
    let wrong = |_| MediaError::TusHeader {
        header: "Upload-Metadata",
        detail: "has characters other than those of keys and base64".to_owned(),
    };
    value.to_str().map(str::to_owned).map_err(wrong)
}

/// The declared length of the body, in bytes.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok())
}

/// Whether the body is declared as bytes of an upload.
pub(super) fn is_offset_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    content_type.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(OFFSET_STREAM)
}

/// Adds the state of `upload` to an answer.
pub(super) fn describe(headers: &mut HeaderMap, upload: &Upload) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(UPLOAD_OFFSET, upload.progress.offset_bytes.into());
    headers.insert(UPLOAD_LENGTH, upload.length_bytes.into());
    match upload.state {
        UploadState::Receiving => insert(headers, UPLOAD_EXPIRES, &http_date(upload.expires_at)),
        UploadState::Finished => insert(headers, ASSET_ID, upload.asset_id.as_str()),
        UploadState::Discarded => {}
    }
}

/// Inserts a header whose value is ASCII text; any other is left out.
pub(super) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// `time` as in RFC 9110, section 5.6.7.
fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_bytes_are_whole_and_not_negative() {
        let read = |value: &'static str| {
            let headers = [(UPLOAD_LENGTH, HeaderValue::from_static(value))].into_iter().collect();
            upload_length(&headers).ok()
        };
        assert_eq!((read("0"), read("9223372036854775807")), (Some(0), Some(i64::MAX.cast_unsigned())));
        for wrong in ["", "-1", "+1", "1.5", "9223372036854775808", "x"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(upload_length(&HeaderMap::new()).is_err());
    }

    #[test]
    fn expiry_is_an_http_date() {
        let time = "2026-01-02T03:04:05.9Z".parse().unwrap();
        assert_eq!(http_date(time), "Fri, 02 Jan 2026 03:04:05 GMT");
    }

    #[test]
    fn only_paths_of_uploads_have_the_headers() {
        for (path, expected) in
            [(UPLOADS, true), ("/media-v2/uploads/u1", true), ("/media-v2/uploadsx", false), ("/docs", false)]
        {
            assert_eq!(is_upload_path(path), expected, "{path}");
        }
    }
}
