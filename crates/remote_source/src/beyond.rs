//! Bytes of a file beyond its declared end.
//!
//! A client of HTTP reads as many bytes as `Content-Length` declares. If a server declares too few, or the file grows while
//! it is fetched, all bytes that were declared have arrived, and the file is cut. Servers that answer ranges are asked for
//! what comes after the end.

use std::time::Duration;

use reqwest::header::CONTENT_RANGE;
use reqwest::{Client, StatusCode};
use url::Url;

use crate::RemoteError;
use crate::attempt::Opened;
use crate::content_range::ContentRange;
use crate::rules::WebRules;
use crate::web::{is_compressed, request, stream_of, strong_etag, text};

/// Asks for the bytes from `end` on. Returns them if they belong to the version with `etag`; `None` if there are none, or
/// if the server does not answer the question: the file is complete as far as can be known.
///
/// # Errors
/// [`RemoteError::Changed`] for another version, or for further bytes of a file without a strong ETag.
pub(crate) async fn open_beyond(
    client: &Client,
    rules: &WebRules,
    url: &Url,
    end: u64,
    etag: Option<&str>,
    answer: Duration,
) -> Result<Option<Opened>, RemoteError> {
    let Ok((response, _)) = request(client, rules, url, Some((end, etag)), answer).await else {
        return Ok(None);
    };
    let headers = response.headers();
    let found = strong_etag(headers);
    let is_other = etag.is_some() && found.is_some() && found.as_deref() != etag;
    let range = text(headers, CONTENT_RANGE).and_then(ContentRange::parse);
    match (response.status(), range) {
        (StatusCode::PARTIAL_CONTENT, Some(ContentRange { bytes: Some((first, last)), total }))
            if first == end =>
        {
            if is_other || etag.is_none() || is_compressed(headers) {
                return Err(RemoteError::Changed);
            }
            let total = total.or_else(|| last.checked_add(1));
            let etag = etag.map(str::to_owned);
            let bytes = stream_of(response);
            Ok(Some(Opened { starts_at: end, total, etag, has_ranges: false, bytes }))
        }
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(ContentRange { total: Some(total), .. }))
            if total != end =>
        {
            Err(RemoteError::Changed)
        }
        (StatusCode::OK | StatusCode::RANGE_NOT_SATISFIABLE, _) if is_other => Err(RemoteError::Changed),
        (StatusCode::PRECONDITION_FAILED, _) => Err(RemoteError::Changed),
        _ => Ok(None),
    }
}
