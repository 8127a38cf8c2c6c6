//! Files on web servers.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE,
    LOCATION, RANGE, RETRY_AFTER, TRANSFER_ENCODING,
};
use reqwest::{Client, Response, StatusCode};
use tokio::time::timeout;
use url::Url;

use crate::RemoteError;
use crate::attempt::{ByteStream, Opened, Resume};
use crate::content_range::ContentRange;
use crate::error::{Failure, innermost, no_answer};
use crate::rules::WebRules;

/// Maximum number of redirects.
const MAX_REDIRECTS: usize = 5;
/// Longest pause that a server may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Opens the file at `url`, or the rest of it. Each redirect has to lead to an allowed URL; each answer has to begin
/// within `answer`.
pub(crate) async fn open(
    client: &Client,
    rules: &WebRules,
    url: &Url,
    resume: Option<&Resume>,
    answer: Duration,
) -> Result<Opened, Failure> {
    let rest = resume.map(|resume| (resume.offset, Some(resume.etag.as_str())));
    let (response, url) = request(client, rules, url, rest, answer).await?;
    opened(response, url.host_str().unwrap_or_default(), resume)
}

/// Requests the file at `url`, or its bytes from an offset on, if its ETag is the given one. Follows redirects; returns
/// the answer, and the URL that gave it.
pub(crate) async fn request(
    client: &Client,
    rules: &WebRules,
    url: &Url,
    rest: Option<(u64, Option<&str>)>,
    answer: Duration,
) -> Result<(Response, Url), Failure> {
    let mut url = url.clone();
    for _ in 0..=MAX_REDIRECTS {
        let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        if let Some((offset, etag)) = rest {
            request = request.header(RANGE, format!("bytes={offset}-"));
            if let Some(etag) = etag {
                request = request.header(IF_RANGE, etag);
            }
        }
        let host = url.host_str().unwrap_or_default();
        let late = |_| {
            let detail = format!("{host} has not answered within {} s", answer.as_secs_f32());
            Failure::transient(RemoteError::TimedOut(detail))
        };
        let response = timeout(answer, request.send()).await.map_err(late)?;
        let response = response.map_err(|error| no_answer(&error, host))?;
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok((response, url));
        }
        url = redirected(rules, &url, text(response.headers(), LOCATION))?;
    }
    Err(RemoteError::RedirectRefused(format!("more than {MAX_REDIRECTS} redirects")).into())
}

/// The target of a redirect.
fn redirected(rules: &WebRules, from: &Url, location: Option<&str>) -> Result<Url, RemoteError> {
    let refused = |detail: String| Err(RemoteError::RedirectRefused(detail));
    let Some(target) = location.and_then(|location| from.join(location).ok()) else {
        return refused("without a valid `Location`".to_owned());
    };
    if from.scheme() == "https" && target.scheme() != "https" {
        return refused("from https to another scheme".to_owned());
    }
    match rules.check(&target) {
        Ok(()) => Ok(target),
        Err(error) => refused(format!("to {error}")),
    }
}

fn opened(response: Response, host: &str, resume: Option<&Resume>) -> Result<Opened, Failure> {
    let headers = response.headers();
    let etag = strong_etag(headers);
    let (starts_at, total) = match (response.status(), resume) {
        (StatusCode::OK, _) => {
            // The answer to a request for the rest has the whole file where it changed, or the server has no ranges.
            if resume.is_some_and(|resume| etag.as_ref().is_some_and(|etag| *etag != resume.etag)) {
                return Err(RemoteError::Changed.into());
            }
            (0, response.content_length())
        }
        (StatusCode::PARTIAL_CONTENT, Some(resume)) => rest(headers, etag.as_deref(), host, resume)?,
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(resume)) => {
            // All bytes had arrived before the connection broke, if the file ends there.
            let range = text(headers, CONTENT_RANGE).and_then(ContentRange::parse);
            let is_complete = resume.total.is_none()
                && range == Some(ContentRange { bytes: None, total: Some(resume.offset) });
            if !is_complete {
                return Err(RemoteError::Changed.into());
            }
            let (etag, bytes) = (Some(resume.etag.clone()), stream::empty().boxed());
            let (starts_at, total) = (resume.offset, Some(resume.offset));
            return Ok(Opened { starts_at, total, etag, has_ranges: false, bytes });
        }
        (StatusCode::PRECONDITION_FAILED, Some(_)) => return Err(RemoteError::Changed.into()),
        (status, _) => return Err(refusal(status, headers, host)),
    };
    if is_compressed(headers) {
        return Err(invalid(host, "answered compressed bytes, although none were accepted").into());
    }
    // The total of a `Content-Range` is apart from the length of the body: nothing is left to be confirmed.
    let has_ranges = starts_at == 0 && accepts_ranges(headers);
    let etag = etag.or_else(|| resume.filter(|_| starts_at > 0).map(|resume| resume.etag.clone()));
    Ok(Opened { starts_at, total, etag, has_ranges, bytes: stream_of(response) })
}

/// The bytes of an answer.
pub(crate) fn stream_of(response: Response) -> ByteStream {
    response.bytes_stream().map_err(|error| innermost(&error)).boxed()
}

/// Whether the server declares that it answers ranges of the file.
fn accepts_ranges(headers: &HeaderMap) -> bool {
    text(headers, ACCEPT_RANGES).is_some_and(|unit| unit.eq_ignore_ascii_case("bytes"))
}

pub(crate) fn is_compressed(headers: &HeaderMap) -> bool {
    is_encoded(headers, CONTENT_ENCODING, "identity") || is_encoded(headers, TRANSFER_ENCODING, "chunked")
}

/// Checks that an answer has the requested rest of the same file. Returns its position, and the size of the file.
fn rest(
    headers: &HeaderMap,
    etag: Option<&str>,
    host: &str,
    resume: &Resume,
) -> Result<(u64, Option<u64>), RemoteError> {
    let range = text(headers, CONTENT_RANGE).and_then(ContentRange::parse);
    let Some(ContentRange { bytes: Some((first, last)), total }) = range else {
        return Err(invalid(host, "answered a part without a valid `Content-Range`"));
    };
    let total = total.or_else(|| last.checked_add(1));
    let is_other = etag.is_some_and(|etag| etag != resume.etag);
    if is_other || resume.total.is_some() && total != resume.total {
        return Err(RemoteError::Changed);
    }
    if first != resume.offset {
        return Err(invalid(host, "answered another part than was requested"));
    }
    Ok((first, total))
}

fn invalid(host: &str, detail: &str) -> RemoteError {
    RemoteError::InvalidAnswer(format!("{host} {detail}"))
}

/// The failure of an answer without the file.
fn refusal(status: StatusCode, headers: &HeaderMap, host: &str) -> Failure {
    let detail = format!("{host} answered {}", status.as_u16());
    match status.as_u16() {
        408 | 425 | 429 | 500..=599 => {
            let pause = text(headers, RETRY_AFTER).and_then(|seconds| seconds.parse::<u64>().ok());
            let pause = pause.map(|seconds| Duration::from_secs(seconds).min(MAX_PAUSE));
            Failure::Transient { error: RemoteError::Unavailable(detail), pause }
        }
        400..=499 => RemoteError::Unreadable(detail).into(),
        _ => RemoteError::InvalidAnswer(detail).into(),
    }
}

/// The value of a header; `None` if it is missing, repeated or not ASCII.
pub(crate) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok().map(str::trim)
}

/// Whether a header names an encoding other than `plain`.
fn is_encoded(headers: &HeaderMap, name: HeaderName, plain: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .any(|value| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(plain.as_bytes()))
}

/// An ETag of which equality means equal bytes; a weak one does not.
pub(crate) fn strong_etag(headers: &HeaderMap) -> Option<String> {
    text(headers, ETAG).filter(|etag| etag.starts_with('"')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_to_allowed_urls_only() {
        let rules = WebRules {
            hosts: ["a.test", "*.b.test", "169.254.169.254"].map(|host| host.parse().unwrap()).into(),
            ports: vec![80, 443],
            networks: Vec::new(),
        };
        for (from, location, expected) in [
            ("https://a.test/x/y", Some("../z?t=1"), Some("https://a.test/z?t=1")),
            ("http://a.test/x", Some("https://cdn.b.test/y"), Some("https://cdn.b.test/y")),
            ("https://a.test/x", Some("//cdn.b.test/y"), Some("https://cdn.b.test/y")),
            ("https://a.test/x", Some("http://a.test/x"), None),
            ("https://a.test/x", Some("https://a.test:8443/x"), None),
            ("https://a.test/x", Some("https://user@a.test/x"), None),
            ("https://a.test/x", Some("https://c.test/x"), None),
            ("http://a.test/x", Some("http://169.254.169.254/latest/meta-data/"), None),
            ("http://a.test/x", Some("file:///etc/passwd"), None),
            ("http://a.test/x", Some("https://"), None),
            ("http://a.test/x", None, None),
        ] {
            let found = redirected(&rules, &from.parse().unwrap(), location);
            assert_eq!(found.ok().as_ref().map(Url::as_str), expected, "{from} {location:?}");
        }
    }

    #[test]
    fn only_strong_etags_are_validators() {
        let etag = |value: &'static str| {
            let headers = HeaderMap::from_iter([(ETAG, reqwest::header::HeaderValue::from_static(value))]);
            strong_etag(&headers)
        };
        assert_eq!(etag("\"a\"").as_deref(), Some("\"a\""));
        assert_eq!(etag("W/\"a\""), None);
        assert_eq!(etag("a"), None);
    }
}
