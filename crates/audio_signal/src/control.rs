//! Progress reports and cancellation.

use media_time::MediaTime;

/// Progress of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Audio before this position has been analysed.
    pub position: MediaTime,
    /// The duration declared by the container, if any.
    pub expected_duration: Option<MediaTime>,
}

impl Progress {
    /// The completed fraction, 0 to 1; 0 if the duration is unknown.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        let expected = self.expected_duration.map_or(0.0, MediaTime::as_secs_f64);
        if expected > 0.0 { (self.position.as_secs_f64() / expected).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Progress reports and cancellation of an analysis. Both functions are called on the caller's own thread after each
/// block of audio (some tens of milliseconds), and should return at once. A second pass over the recording, for its
/// words, reports its progress from the start again.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Called with the progress after each block.
    pub progress: &'a dyn Fn(Progress),
    /// Polled after each block; `true` cancels the analysis.
    pub cancelled: &'a dyn Fn() -> bool,
}

impl Control<'_> {
    /// No progress reports and no cancellation.
    #[must_use]
    pub const fn none() -> Self {
        Self { progress: &|_| {}, cancelled: &|| false }
    }
}

impl std::fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}
