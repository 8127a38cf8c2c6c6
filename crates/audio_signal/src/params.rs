use media_time::MediaTime;

/// What [`crate::analyze`] measures, its durations and thresholds, and its number of threads.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalysisParams {
    /// Whether to detect onsets, tempo and beats.
    pub include_beats: bool,
    /// Whether to detect speech and music; otherwise segments are only "silence" and "other".
    pub include_speech_music: bool,
    /// Whether to make the landmarks of the recording, by which it can be found again.
    pub include_landmarks: bool,
    /// Minimum duration of a silence segment; shorter ones are part of the surrounding segments.
    pub min_silence: MediaTime,
    /// Duration of the windows of [`crate::Analysis::loudness_windows`].
    pub loudness_window: MediaTime,
    /// Levels and probabilities that separate silence, speech and the rest.
    pub thresholds: Thresholds,
    /// Number of worker threads, at least 1. The result does not depend on it.
    pub threads: usize,
}

impl AnalysisParams {
    /// Default of [`AnalysisParams::min_silence`].
    pub const MIN_SILENCE: MediaTime = MediaTime::from_millis(300);
    /// Default of [`AnalysisParams::loudness_window`].
    pub const LOUDNESS_WINDOW: MediaTime = MediaTime::from_millis(1_000);
}

impl Default for AnalysisParams {
    /// All analyses but landmarks, silences from 300 ms, loudness per second, one thread.
    fn default() -> Self {
        Self {
            include_beats: true,
            include_speech_music: true,
            include_landmarks: false,
            min_silence: Self::MIN_SILENCE,
            loudness_window: Self::LOUDNESS_WINDOW,
            thresholds: Thresholds::DEFAULT,
            threads: 1,
        }
    }
}

/// Thresholds of the segmentation; [`Thresholds::DEFAULT`] has the fitted values (docs/signal.md).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Level below which a recording is silent in any case, in dBFS (RMS of 8 ms).
    pub silence_dbfs: f64,
    /// Level difference to the recording's loud parts (95th percentile), in dB, from which it is silent.
    pub silence_below_loud_db: f64,
    /// Level difference to the recording's noise floor, in dB, up to which a frame is silent.
    pub silence_above_floor_db: f64,
    /// Speech probability at which speech starts (0 to 1).
    pub speech_on: f64,
    /// Speech probability below which speech ends (0 to 1, below [`Self::speech_on`]).
    pub speech_off: f64,
}

impl Thresholds {
    /// The fitted values (docs/signal.md).
    pub const DEFAULT: Self = Self {
        silence_dbfs: -72.0,
        silence_below_loud_db: 40.0,
        silence_above_floor_db: 6.0,
        speech_on: 0.5,
        speech_off: 0.35,
    };

    /// The values that differ from [`Thresholds::DEFAULT`], by name, in a fixed order.
    #[must_use]
    pub fn changed(&self) -> Vec<(&'static str, f64)> {
        let standard = Self::DEFAULT.named();
        let values = self.named().into_iter().zip(standard);
        values.filter(|(own, standard)| own != standard).map(|(own, _)| own).collect()
    }

    fn named(&self) -> [(&'static str, f64); 5] {
        [
            ("silence_dbfs", self.silence_dbfs),
            ("silence_below_loud_db", self.silence_below_loud_db),
            ("silence_above_floor_db", self.silence_above_floor_db),
            ("speech_on", self.speech_on),
            ("speech_off", self.speech_off),
        ]
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changed_thresholds_are_named() {
        assert!(Thresholds::DEFAULT.changed().is_empty());
        let loose = Thresholds { speech_on: 0.3, ..Thresholds::DEFAULT };
        assert_eq!(loose.changed(), [("speech_on", 0.3)]);
    }
}
