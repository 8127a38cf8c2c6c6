//! The header `Prefer` (RFC 7240), as far as it concerns jobs.

use std::time::Duration;

use http::HeaderMap;

use crate::model::JobPriority;

/// Maximum time that a caller can wait for a job, in seconds.
pub(crate) const MAX_WAIT_S: u64 = 60;

/// Preferences of the caller of a heavy call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// How long to wait for the usual answer; `None` waits until the job has ended.
    pub(crate) wait: Option<Duration>,
    /// `priority=batch`, a preference of this service only.
    pub(crate) priority: JobPriority,
}

impl Preferences {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let preferences: Vec<&str> = values.flat_map(|text| text.split(',')).map(str::trim).collect();
        let value_of = |wanted: &str| {
            preferences.iter().find_map(|text| {
                let (name, value) = text.split_once('=')?;
                let value = value.split(';').next()?.trim().trim_matches('"');
                name.trim().eq_ignore_ascii_case(wanted).then_some(value)
            })
        };
        let is_async = preferences.iter().any(|text| text.eq_ignore_ascii_case("respond-async"));
        let seconds = value_of("wait").and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
        let is_batch = value_of("priority").is_some_and(|value| value.eq_ignore_ascii_case("batch"));
        Self {
            wait: is_async.then(|| Duration::from_secs(seconds.min(MAX_WAIT_S))),
            priority: if is_batch { JobPriority::Batch } else { JobPriority::Interactive },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefer_header_is_parsed_by_rfc_7240() {
        let read = |values: &[&str]| {
            let headers =
                values.iter().map(|text| (http::HeaderName::from_static("prefer"), text.parse().unwrap()));
            Preferences::of(&headers.collect())
        };
        let wait = |values: &[&str]| read(values).wait.map(|wait| wait.as_secs());
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&["wait=10"]), None);
        assert_eq!(wait(&["respond-async"]), Some(0));
        assert_eq!(wait(&["respond-async, wait=10"]), Some(10));
        assert_eq!(wait(&["Respond-Async", "foo; bar, wait = \"7\""]), Some(7));
        assert_eq!(wait(&["respond-async, wait=1000"]), Some(60));
        assert_eq!(wait(&["respond-async, wait=x"]), Some(0));
        assert_eq!(read(&["wait=1"]).priority, JobPriority::Interactive);
        assert_eq!(read(&["respond-async, priority=Batch"]).priority, JobPriority::Batch);
    }
}
