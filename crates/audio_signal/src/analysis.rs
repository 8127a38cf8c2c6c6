//! The one pass over a recording that finds everything at once.

use media_time::{MediaTime, Window};

use crate::{Segment, Thresholds};

/// Changes whenever the same recording and parameters may give another result.
pub const ALGORITHM_VERSION: &str = "signal_v1";

/// Names everything but the recording and the request's own parameters that changes a result: the algorithm's
/// version, the speech detector's weights and the thresholds that are not the fitted ones.
///
/// For cache keys; letters, digits and `_+-=.` only.
#[must_use]
pub fn version(thresholds: &Thresholds) -> String {
    thresholds
        .changed()
        .iter()
        .fold(ALGORITHM_VERSION.to_owned(), |version, (name, value)| format!("{version}+{name}={value}"))
}

/// How far an analysis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Everything before has been analysed.
    pub position: MediaTime,
    /// The duration the container tells; `None` when it tells none.
    pub expected_duration: Option<MediaTime>,
}

/// How the caller follows and stops an analysis. Both are called on the caller's own thread, after each block
/// of sound (some tens of milliseconds), and should return at once.
pub struct Control<'a> {
    /// Told how far the analysis is.
    pub progress: &'a dyn Fn(Progress),
    /// Asked whether to stop.
    pub cancelled: &'a dyn Fn() -> bool,
}

impl Control<'_> {
    /// Nobody watches, nobody stops it.
    #[must_use]
    pub const fn none() -> Self {
        Self { progress: &|_| {}, cancelled: &|| false }
    }
}

/// What one pass over a recording found.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// Exact length of what is heard, from presentation zero to the last decoded sample.
    pub duration: MediaTime,
    /// Speech, music, silence and other: sorted, without overlap, covering `[0, duration)` without gap.
    pub segments: Vec<Segment>,
    /// Integrated loudness in LUFS (EBU R 128, gated); `None` when everything is below the gate.
    pub integrated_lufs: Option<f64>,
    /// Loudness range in LU (EBU Tech 3342); `None` when there is nothing to measure.
    pub loudness_range: Option<f64>,
    /// Loudness in LUFS (ungated) of consecutive windows of the length asked for, the last one cut at
    /// `duration`; `None` for digital silence.
    pub loudness_windows: Vec<(Window, Option<f64>)>,
    /// Where somebody speaks or sings, finer than `segments` and also over music: what a transcriber should hear.
    pub speech_regions: Vec<Window>,
}
