use media_time::MediaTime;

/// What to analyse and how.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalysisParams {
    /// Find onsets, tempo and beats.
    pub include_beats: bool,
    /// Tell speech and music apart; otherwise only silence and "other" (anything heard) are told.
    pub include_speech_music: bool,
    /// The shortest quiet stretch that is reported as silence; shorter ones belong to what is around them.
    pub min_silence: MediaTime,
    /// Length of the windows of [`crate::Analysis::loudness_windows`].
    pub loudness_window: MediaTime,
    /// The numbers the decisions hang on.
    pub thresholds: Thresholds,
    /// Worker threads to use, at least 1. The result does not depend on it.
    pub threads: usize,
}

impl Default for AnalysisParams {
    /// Everything, silences from 300 ms on, loudness each second, one thread.
    fn default() -> Self {
        Self {
            include_beats: true,
            include_speech_music: true,
            min_silence: MediaTime::from_millis(300),
            loudness_window: MediaTime::from_millis(1_000),
            thresholds: Thresholds::DEFAULT,
            threads: 1,
        }
    }
}

/// The numbers the segmentation hangs on; [`Thresholds::DEFAULT`] is what was fitted (docs/signal.md).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Level under which a recording is silent whatever else it holds, in dBFS (RMS of 8 ms).
    pub silence_dbfs: f64,
    /// Depth under the recording's loud parts (95th percentile), in dB, from which on it is silent.
    pub silence_below_loud_db: f64,
    /// Height above the recording's own noise floor, in dB, up to which a frame counts as silent.
    pub silence_above_floor_db: f64,
    /// Speech probability at which speech starts (0 to 1).
    pub speech_on: f64,
    /// Speech probability below which speech ends (0 to 1, below [`Self::speech_on`]).
    pub speech_off: f64,
}

impl Thresholds {
    /// The fitted values.
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
