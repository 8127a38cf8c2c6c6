//! The header `Prefer` (RFC 7240), as far as it concerns jobs.

use std::time::Duration;

use http::{HeaderMap, Method};

/// Longest time that a caller can wait for a job, in seconds.
pub(crate) const MAX_WAIT_S: u64 = 60;

/// `respond-async`, and how long the caller waits for the usual answer; `None` without it.
pub(crate) fn respond_async(method: &Method, headers: &HeaderMap) -> Option<Duration> {
    if method != Method::POST {
        return None;
    }
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let preferences: Vec<&str> = values.flat_map(|text| text.split(',')).map(str::trim).collect();
    let has = |name: &str| preferences.iter().any(|text| text.eq_ignore_ascii_case(name));
    let wait = preferences.iter().find_map(|text| {
        let (name, value) = text.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("wait")
            .then(|| value.trim().trim_matches('"').parse::<u64>().ok())?
    });
    has("respond-async").then(|| Duration::from_secs(wait.unwrap_or(0).min(MAX_WAIT_S)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_as_rfc_7240_has_them() {
        let read = |values: &[&str]| {
            let headers =
                values.iter().map(|text| (http::HeaderName::from_static("prefer"), text.parse().unwrap()));
            respond_async(&Method::POST, &headers.collect()).map(|wait| wait.as_secs())
        };
        assert_eq!(read(&[]), None);
        assert_eq!(read(&["wait=10"]), None);
        assert_eq!(read(&["respond-async"]), Some(0));
        assert_eq!(read(&["respond-async, wait=10"]), Some(10));
        assert_eq!(read(&["Respond-Async", "foo; bar, wait = \"7\""]), Some(7));
        assert_eq!(read(&["respond-async, wait=1000"]), Some(60));
        assert_eq!(read(&["respond-async, wait=x"]), Some(0));
    }
}
