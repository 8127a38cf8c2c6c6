//! Transfers that continue after failures.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::attempt::{Opened, Resume};
use crate::error::Failure;
use crate::location::Place;
use crate::pace::PacedBody;
use crate::{Location, RemoteError, RemoteSources, beyond, object, web};

/// Bound of the limit of durations, so that the deadline is an instant.
const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 3_600);
/// Longest pause between two attempts, apart from those that servers ask for.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// An attempt that brings this number of bytes does not count as failed.
const PROGRESS_BYTES: u64 = 1 << 20;
/// Maximum number of starts from the beginning after the first.
const MAX_RESTARTS: u32 = 3;

/// Limits of each transfer.
#[derive(Clone, Copy, Debug)]
pub struct TransferLimits {
    /// Maximum duration of the whole transfer.
    pub duration: Duration,
    /// Maximum time without a byte, and until an answer begins.
    pub stall: Duration,
    /// Minimum mean rate of each window of waiting.
    pub bytes_per_second: u64,
    /// Length of this window.
    pub window: Duration,
    /// Maximum number of consecutive attempts that bring less than 1 MiB.
    pub attempts: u32,
    /// Pause after the first failed attempt; it doubles with each, up to 30 s.
    pub pause: Duration,
}

impl Default for TransferLimits {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(6 * 3_600),
            stall: Duration::from_secs(30),
            bytes_per_second: 16 << 10,
            window: Duration::from_secs(60),
            attempts: 8,
            pause: Duration::from_millis(500),
        }
    }
}

/// A part of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next bytes.
    Bytes(Bytes),
    /// The file starts again: all bytes so far are void.
    Restart,
}

/// A file that is being fetched. Dropping it ends its connection.
pub struct Transfer {
    sources: RemoteSources,
    location: Location,
    limits: TransferLimits,
    limit_bytes: u64,
    deadline: Instant,
    body: Option<PacedBody>,
    /// Number of bytes since the last start from the beginning.
    received: u64,
    total: Option<u64>,
    etag: Option<String>,
    /// Whether the server is still to be asked for bytes beyond the declared size.
    is_end_unconfirmed: bool,
    /// Number of bytes of the current attempt.
    of_attempt: u64,
    failed_attempts: u32,
    restarts: u32,
}

impl Transfer {
    pub(crate) fn new(
        sources: RemoteSources,
        location: Location,
        limit_bytes: u64,
        limits: TransferLimits,
    ) -> Self {
        Self {
            sources,
            location,
            limits,
            limit_bytes,
            deadline: Instant::now() + limits.duration.min(MAX_DURATION),
            body: None,
            received: 0,
            total: None,
            etag: None,
            is_end_unconfirmed: false,
            of_attempt: 0,
            failed_attempts: 0,
            restarts: 0,
        }
    }

    /// The completed fraction, 0 to 1; 0 where the size is unknown.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        self.total.filter(|total| *total > 0).map_or(0.0, |total| self.received as f64 / total as f64)
    }

    /// The next piece; `None` at the end of the file. Not to be called again after the end or an error.
    ///
    /// # Errors
    /// [`RemoteError`], after as many attempts as the limits allow.
    pub async fn next(&mut self) -> Result<Option<Piece>, RemoteError> {
        let limit = self.limits.duration.as_secs_f32();
        let next = timeout_at(self.deadline, self.advance()).await;
        next.unwrap_or_else(|_| {
            Err(RemoteError::TimedOut(format!("the transfer took longer than {limit} s")))
        })
    }

    async fn advance(&mut self) -> Result<Option<Piece>, RemoteError> {
        loop {
            let next = if self.body.is_some() {
                self.read().await
            } else {
                match self.open().await {
                    Ok(false) => continue,
                    Ok(true) => Ok(Some(Piece::Restart)),
                    Err(failure) => Err(failure),
                }
            };
            match next {
                Ok(piece) => return Ok(piece),
                Err(failure) => self.recover(failure).await?,
            }
        }
    }

    /// Requests the file, or its rest. Returns whether it starts again, after bytes of it had been returned.
    async fn open(&mut self) -> Result<bool, Failure> {
        let etag = self.etag.clone().filter(|_| self.received > 0);
        let resume = etag.map(|etag| Resume { offset: self.received, total: self.total, etag });
        let opened = match &self.location.0 {
            Place::Web(url) => {
                let client = self.sources.client().await?;
                web::open(client, self.sources.rules(), url, resume.as_ref(), self.limits.stall).await?
            }
            Place::Object { store, key, .. } => {
                // The store's own retries count.
                let opened = timeout(self.limits.stall, object::open(store, key, resume.as_ref())).await;
                let late = || RemoteError::TimedOut("the object store does not answer".to_owned());
                opened.map_err(|_| Failure::transient(late()))??
            }
        };
        let Opened { starts_at, total, etag, has_ranges, bytes } = opened;
        if total.is_some_and(|total| total > self.limit_bytes) {
            return Err(RemoteError::TooLarge { limit_bytes: self.limit_bytes }.into());
        }
        let is_again = self.received > 0 && starts_at == 0;
        if is_again {
            self.restarts += 1;
            if self.restarts > MAX_RESTARTS {
                let detail = "its server cannot continue it".to_owned();
                return Err(RemoteError::Truncated(detail).into());
            }
            self.received = 0;
        }
        (self.total, self.etag, self.of_attempt) = (total, etag, 0);
        self.is_end_unconfirmed = has_ranges;
        self.body = Some(PacedBody::new(bytes, self.limits));
        Ok(is_again)
    }

    async fn read(&mut self) -> Result<Option<Piece>, Failure> {
        loop {
            let Some(body) = &mut self.body else { return Ok(None) };
            if let Some(bytes) = body.next().await? {
                return self.count(bytes).map(Some);
            }
            if !self.continue_beyond_the_end().await? {
                return Ok(None);
            }
        }
    }

    /// At the end of a body: whether the server has more bytes of the file than it declared, which are then read.
    async fn continue_beyond_the_end(&mut self) -> Result<bool, Failure> {
        let Some(total) = self.total else { return Ok(false) };
        if total != self.received {
            let detail = format!("{} of {total} bytes", self.received);
            return Err(Failure::transient(RemoteError::Truncated(detail)));
        }
        let Place::Web(url) = &self.location.0 else { return Ok(false) };
        if !std::mem::take(&mut self.is_end_unconfirmed) {
            return Ok(false);
        }
        let (client, rules) = (self.sources.client().await?, self.sources.rules());
        let etag = self.etag.as_deref();
        let Some(further) = beyond::open_beyond(client, rules, url, total, etag, self.limits.stall).await?
        else {
            return Ok(false);
        };
        if further.total.is_some_and(|total| total > self.limit_bytes) {
            return Err(RemoteError::TooLarge { limit_bytes: self.limit_bytes }.into());
        }
        self.total = further.total;
        self.body = Some(PacedBody::new(further.bytes, self.limits));
        Ok(true)
    }

    /// Counts received bytes, which must not exceed the limit and the declared size.
    fn count(&mut self, bytes: Bytes) -> Result<Piece, Failure> {
        let count = bytes.len() as u64;
        self.received += count;
        self.of_attempt += count;
        if self.received > self.limit_bytes {
            return Err(RemoteError::TooLarge { limit_bytes: self.limit_bytes }.into());
        }
        if self.total.is_some_and(|total| self.received > total) {
            let detail = "the answer has more bytes than its server declared for the file".to_owned();
            return Err(RemoteError::InvalidAnswer(detail).into());
        }
        Ok(Piece::Bytes(bytes))
    }

    /// Pauses after a failed attempt.
    ///
    /// # Errors
    /// The failure, if no further attempt is made.
    async fn recover(&mut self, failure: Failure) -> Result<(), RemoteError> {
        let (error, asked) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Transient { error, pause } => (error, pause),
        };
        self.body = None;
        if std::mem::take(&mut self.of_attempt) >= PROGRESS_BYTES {
            self.failed_attempts = 0;
        }
        self.failed_attempts += 1;
        if self.failed_attempts >= self.limits.attempts {
            return Err(error);
        }
        let doubled = self.limits.pause.saturating_mul(1 << (self.failed_attempts - 1).min(16));
        let pause = asked.unwrap_or_else(|| doubled.min(MAX_PAUSE));
        tracing::info!(%error, received = self.received, ?pause, "the transfer of a source is continued");
        sleep(pause).await;
        Ok(())
    }
}
