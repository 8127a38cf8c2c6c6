//! The minimum rate of transfers.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::{Instant, timeout};

use crate::attempt::ByteStream;
use crate::error::Failure;
use crate::{RemoteError, TransferLimits};

/// The bytes of an answer, which have to arrive at the minimum rate.
pub(crate) struct PacedBody {
    bytes: ByteStream,
    stall: Duration,
    pace: Pace,
}

impl PacedBody {
    pub(crate) fn new(bytes: ByteStream, limits: TransferLimits) -> Self {
        let TransferLimits { stall, window, bytes_per_second, .. } = limits;
        Self { bytes, stall, pace: Pace::new(window, bytes_per_second) }
    }

    /// The next bytes; `None` at the end of the answer.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let began = Instant::now();
        let Ok(next) = timeout(self.stall, self.bytes.next()).await else {
            let detail = format!("no byte arrived for {} s", self.stall.as_secs_f32());
            return Err(Failure::transient(RemoteError::TimedOut(detail)));
        };
        let bytes = match next {
            None => return Ok(None),
            Some(Err(reason)) => return Err(Failure::transient(RemoteError::Truncated(reason))),
            Some(Ok(bytes)) => bytes,
        };
        if self.pace.is_too_slow(bytes.len(), began.elapsed()) {
            let detail =
                format!("the transfer is slower than {} bytes per second", self.pace.bytes_per_second);
            return Err(RemoteError::TimedOut(detail).into());
        }
        Ok(Some(bytes))
    }
}

/// Counts the bytes of a transfer, and the time spent waiting for them: a reader that is slow itself does not count.
#[derive(Debug)]
struct Pace {
    window: Duration,
    bytes_per_second: u64,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    const fn new(window: Duration, bytes_per_second: u64) -> Self {
        Self { window, bytes_per_second, waited: Duration::ZERO, bytes: 0 }
    }

    /// Counts `bytes` that arrived after `waited`. Returns whether the mean rate of the window that ends with them is
    /// too low.
    #[must_use]
    fn is_too_slow(&mut self, bytes: usize, waited: Duration) -> bool {
        self.waited += waited;
        self.bytes += bytes as u64;
        if self.waited < self.window {
            return false;
        }
        let is_slow = (self.bytes as f64) < self.waited.as_secs_f64() * self.bytes_per_second as f64;
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        is_slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_measured_over_windows_of_waiting() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(3 * second, 1_000);
        assert!(!pace.is_too_slow(0, 2 * second), "the window is not over");
        assert!(!pace.is_too_slow(3_000, second));
        assert!(!pace.is_too_slow(2_999, 2 * second));
        assert!(pace.is_too_slow(0, second), "2 999 bytes in three seconds");
        assert!(!pace.is_too_slow(1, Duration::ZERO), "a new window begins");
    }
}
