use std::time::Duration;

use url::Url;

/// The address of a remote timeline, with timeouts, retries and limits.
#[derive(Clone, Debug)]
pub struct HttpTimelineConfig {
    /// Root URL of the service, `http` or `https`; `/video/…` is appended.
    pub base_url: Url,
    /// Timeout for opening a connection.
    pub connect_timeout: Duration,
    /// Timeout of one attempt, including reading its response.
    pub attempt_timeout: Duration,
    /// Timeout of a call, including all its attempts.
    pub total_timeout: Duration,
    /// Maximum number of attempts of a call, at least one.
    pub attempts: u32,
    /// Pause before the second attempt; each further pause is twice as long.
    pub backoff: Duration,
    /// Maximum size of a response, in bytes.
    pub max_response_bytes: usize,
}

impl HttpTimelineConfig {
    /// The defaults: 2 s to connect, 10 s per attempt, 30 s in total; 3 attempts, first backoff 100 ms; 64 MiB.
    #[must_use]
    pub fn new(base_url: Url) -> Self {
        Self {
            base_url,
            connect_timeout: Duration::from_secs(2),
            attempt_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            attempts: 3,
            backoff: Duration::from_millis(100),
            max_response_bytes: 64 << 20,
        }
    }
}
