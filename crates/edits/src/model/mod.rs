//! Requests, with their validation.

mod cut_to_music;
mod remove_silence;
mod supercut;
#[cfg(test)]
mod tests;

use http_kit::FieldError;
use media_time::limits::MAX_INSTANT;
use media_time::{AssetTime, MediaTime};

pub use cut_to_music::{CutToMusic, EditSource, Every, SourceOrder};
pub use remove_silence::RemoveSilence;
pub use supercut::{Excerpt, Supercut};

use crate::Error;

/// Maximum number of invalid fields that are reported.
const MAX_ERRORS: usize = 100;

/// Collects violations of a request.
#[derive(Default)]
pub(crate) struct Violations(Vec<FieldError>);

impl Violations {
    /// Adds an error unless `ok`.
    pub(crate) fn require(&mut self, ok: bool, pointer: impl FnOnce() -> String, detail: &str) {
        if !ok && self.0.len() < MAX_ERRORS {
            self.0.push(FieldError { pointer: pointer(), detail: detail.to_owned() });
        }
    }

    fn range(&mut self, value: MediaTime, field: &str, lowest_ms: i64, highest_ms: i64) {
        let range = MediaTime::from_millis(lowest_ms)..=MediaTime::from_millis(highest_ms);
        let detail = format!("expected {lowest_ms} to {highest_ms} ms");
        self.require(range.contains(&value), || field.to_owned(), &detail);
    }

    fn window(&mut self, at: &str, start: AssetTime, end: Option<AssetTime>) {
        let starts = !start.is_negative() && start.since_zero() <= MAX_INSTANT;
        self.require(starts, || format!("{at}/start_ms"), "expected 0 ms to thirty days");
        let Some(end) = end else { return };
        self.require(end > start, || format!("{at}/end_ms"), "must be after start_ms");
        self.require(
            end.since_zero() <= MAX_INSTANT,
            || format!("{at}/end_ms"),
            "must be within thirty days",
        );
    }

    fn count(&mut self, count: usize, most: usize, field: &str) {
        let detail = format!("expected 1 to {most} items");
        self.require((1..=most).contains(&count), || field.to_owned(), &detail);
    }

    /// # Errors
    /// [`Error::Invalid`] with all violations.
    pub(crate) fn result(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
