//! The result of an analysis, and its version.

use audio_fingerprint::Landmark;
use media_decode::{AudioFormat, DecodeStats, DecoderKind};
use media_time::{MediaTime, Window};

use crate::{
    LoudnessProfile, Rhythm, Segment, SignalError, SpeechDetector, Suspicion, Thresholds, WaveformPyramid,
};

/// Must change when the same recording and parameters may give another result.
pub const ALGORITHM_VERSION: &str = "signal_v8";

/// Version of everything besides the recording and the request's own parameters that determines a result: the
/// algorithm's version, the speech detector's weights and the thresholds that differ from the fitted ones. For cache
/// keys: contains no `|` and no space.
///
/// # Errors
/// [`SignalError::Model`] when this build's speech model is not the supported one.
pub fn version(thresholds: &Thresholds) -> Result<String, SignalError> {
    let fitted = format!("{ALGORITHM_VERSION}+{}", SpeechDetector::version()?);
    let changed = thresholds.changed();
    Ok(changed.iter().fold(fitted, |version, (name, value)| format!("{version}+{name}={value}")))
}

/// The result of one pass over a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// Exact duration, from presentation time zero to the last decoded sample; more than zero.
    pub duration: MediaTime,
    /// Sample rate, channels and codec.
    pub format: AudioFormat,
    /// Statistics of damage in the file.
    pub decode_stats: DecodeStats,
    /// The decoder that was used.
    pub decoder: DecoderKind,
    /// Reasons to doubt the decoding; empty for nearly every recording. Otherwise all confidences are below 0.5.
    pub suspicions: Vec<Suspicion>,
    /// Segments of speech, music, silence and other: sorted, without overlap, covering `[0, duration)` without gaps.
    pub segments: Vec<Segment>,
    /// Integrated loudness in LUFS (EBU R 128, gated); `None` when everything is below the gate.
    pub integrated_lufs: Option<f64>,
    /// Loudness range in LU (EBU Tech 3342); `None` when there is nothing to measure.
    pub loudness_range: Option<f64>,
    /// Maximum momentary loudness in LUFS (EBU R 128, 400 ms); `None` when there is nothing to measure.
    pub momentary_max_lufs: Option<f64>,
    /// Maximum short-term loudness in LUFS (EBU R 128, 3 s); `None` when there is nothing to measure.
    pub short_term_max_lufs: Option<f64>,
    /// True peak in dBTP (ITU-R BS.1770-4, annex 2); `None` for digital silence.
    pub true_peak_dbtp: Option<f64>,
    /// Loudness in LUFS (ungated) of consecutive windows of the requested length, the last one truncated at `duration`;
    /// `None` for digital silence.
    pub loudness_windows: Vec<(Window, Option<f64>)>,
    /// Loudness over time in steps of 10 ms.
    pub loudness: LoudnessProfile,
    /// Regions with speech or singing, finer than `segments` and also over music: the input of a transcriber.
    /// Sorted, without overlap; empty without [`AnalysisParams::include_speech_music`](crate::AnalysisParams::include_speech_music).
    pub speech_regions: Vec<Window>,
    /// Peaks and levels of the mix at several resolutions.
    pub pyramid: WaveformPyramid,
    /// Onsets, tempo and beats; empty without [`AnalysisParams::include_beats`](crate::AnalysisParams::include_beats).
    pub rhythm: Rhythm,
    /// Landmarks of the mono mix, in order of frame and hash, the same as those of [`landmarks`](crate::landmarks);
    /// `None` without [`AnalysisParams::include_landmarks`](crate::AnalysisParams::include_landmarks).
    pub landmarks: Option<Vec<Landmark>>,
}
