//! Files on web servers.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE, LOCATION, RANGE,
    RETRY_AFTER, TRANSFER_ENCODING,
};
use reqwest::{Client, Response, StatusCode};
use tokio::time::timeout;
use url::Url;

use crate::RemoteError;
use crate::attempt::{Opened, Resume};
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
    let mut url = url.clone();
    for _ in 0..=MAX_REDIRECTS {
        let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        if let Some(resume) = resume {
            let range = format!("bytes={}-", resume.offset);
            request = request.header(RANGE, range).header(IF_RANGE, &resume.etag);
        }
        let host = url.host_str().unwrap_or_default();
        let late = |_| {
            let detail = format!("{host} has not answered within {} s", answer.as_secs_f32());
            Failure::transient(RemoteError::TimedOut(detail))
        };
        let response = timeout(answer, request.send()).await.map_err(late)?;
        let response = response.map_err(|error| no_answer(&error, host))?;
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return opened(response, host, resume);
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
            return Ok(Opened { starts_at: resume.offset, total: Some(resume.offset), etag, bytes });
        }
        (StatusCode::PRECONDITION_FAILED, Some(_)) => return Err(RemoteError::Changed.into()),
        (status, _) => return Err(refusal(status, headers, host)),
    };
    if is_encoded(headers, CONTENT_ENCODING, "identity") || is_encoded(headers, TRANSFER_ENCODING, "chunked")
    {
        return Err(invalid(host, "answered compressed bytes, although none were accepted").into());
    }
    let etag = etag.or_else(|| resume.filter(|_| starts_at > 0).map(|resume| resume.etag.clone()));
    let bytes = response.bytes_stream().map_err(|error| innermost(&error)).boxed();
    Ok(Opened { starts_at, total, etag, bytes })
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
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
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
fn strong_etag(headers: &HeaderMap) -> Option<String> {
    text(headers, ETAG).filter(|etag| etag.starts_with('"')).map(str::to_owned)
}

/// The value of `Content-Range`.
#[derive(Debug, PartialEq, Eq)]
struct ContentRange {
    /// Positions of the first and the last byte; `None` for `*`.
    bytes: Option<(u64, u64)>,
    /// Size of the whole; `None` for `*`.
    total: Option<u64>,
}

impl ContentRange {
    fn parse(value: &str) -> Option<Self> {
        let (bytes, total) = value.strip_prefix("bytes ")?.split_once('/')?;
        let bytes = match bytes {
            "*" => None,
            bytes => {
                let (first, last) = bytes.split_once('-')?;
                let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
                Some((first, last)).filter(|(first, last)| first <= last)
            }
        };
        let total = match total {
            "*" => None,
            total => Some(total.parse::<u64>().ok()?),
        };
        Some(Self { bytes, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_parsed() {
        let range = |bytes, total| Some(ContentRange { bytes, total });
        for (value, expected) in [
            ("bytes 0-9/10", range(Some((0, 9)), Some(10))),
            ("bytes 5-9/*", range(Some((5, 9)), None)),
            ("bytes */10", range(None, Some(10))),
            ("bytes 9-5/10", range(None, Some(10))),
            ("bytes 5-/10", None),
            ("bytes -5-9/10", None),
            ("bytes 0-99999999999999999999/10", None),
            ("items 0-9/10", None),
            ("", None),
        ] {
            assert_eq!(ContentRange::parse(value), expected, "{value}");
        }
    }

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
