//! Analysis of a recording in one pass.

use std::ops::Range;

use media_time::{MediaTime, Window};

use media_decode::{AudioFormat, DecodeError, DecodeStats, Decoder, DecoderKind, MediaInput};

use crate::scene::{self, SceneKind, Track};
use crate::{
    AnalysisParams, LoudnessProfile, Rhythm, SPEECH_FRAME, SPEECH_RATE, Segment, SignalError, SpeechDetector,
    Suspicion, Thresholds, pipeline, plausibility,
};

/// Must change when the same recording and parameters may give another result.
pub const ALGORITHM_VERSION: &str = "signal_v4";

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

/// Progress of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Audio before this position has been analysed.
    pub position: MediaTime,
    /// The duration declared by the container, if any.
    pub expected_duration: Option<MediaTime>,
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
    /// Loudness in LUFS (ungated) of consecutive windows of the requested length, the last one truncated at `duration`;
    /// `None` for digital silence.
    pub loudness_windows: Vec<(Window, Option<f64>)>,
    /// Loudness over time in steps of 10 ms.
    pub loudness: LoudnessProfile,
    /// Regions with speech or singing, finer than `segments` and also over music: the input of a transcriber.
    /// Sorted, without overlap; empty without [`AnalysisParams::include_speech_music`].
    pub speech_regions: Vec<Window>,
    /// Onsets, tempo and beats; empty without [`AnalysisParams::include_beats`].
    pub rhythm: Rhythm,
}

/// Decodes and analyses a recording in one pass; if the decoding is implausible, in a second pass by ffmpeg (see
/// [`Suspicion`]).
///
/// Memory is bounded by about 10 KiB per second of audio, regardless of the file's sample rate and channels: about 100
/// MiB for three hours. The result is bit-identical for any number of threads.
///
/// # Errors
/// Those of [`MediaInput::decoder`] and [`Decoder::next_block`]; [`DecodeError::Undecodable`] when there are no
/// samples, or an implausible decoding cannot be checked because ffmpeg rejects the file; [`DecodeError::Cancelled`]
/// when the caller cancels the analysis.
pub fn analyze(
    input: &MediaInput,
    params: &AnalysisParams,
    control: &Control<'_>,
) -> Result<Analysis, SignalError> {
    let first = analyze_once(input.decoder()?, params, control)?;
    plausibility::settle(first, input, |decoder| analyze_once(decoder, params, control))
}

fn analyze_once(
    mut decoder: Decoder,
    params: &AnalysisParams,
    control: &Control<'_>,
) -> Result<Analysis, SignalError> {
    let features = pipeline::run_pass(&mut decoder, params, control)?;
    let duration = decoder.position();
    if duration == MediaTime::ZERO {
        return Err(DecodeError::Undecodable("it contains no audio samples".to_owned()).into());
    }
    let pipeline::PassFeatures { peak, loudness, cells, textures, voice, rhythm } = features;
    let track = Track { cells, textures, voice, duration };
    let to_segment = |span: scene::Span| Segment {
        kind: span.kind,
        window: span.window,
        confidence: span.confidence,
        loudness_lufs: loudness.span_lufs(span.window),
        background_music: span.background_music,
        sung: span.sung,
    };
    let regions = scene::speech_regions(&track.voice, &params.thresholds);
    let segments: Vec<Segment> = scene::spans(&track, params).into_iter().map(to_segment).collect();
    let rhythm =
        if params.include_beats { rhythm.finish_outside(&beatless(&segments)) } else { Rhythm::default() };
    let integrated_lufs = loudness.integrated_lufs();
    let suspicions = plausibility::check(&decoder, peak, integrated_lufs);
    Ok(Analysis {
        duration,
        format: decoder.format().clone(),
        decode_stats: decoder.stats(),
        decoder: decoder.kind().clone(),
        suspicions,
        segments,
        integrated_lufs,
        loudness_range: loudness.range_lu(),
        loudness_windows: loudness.windows(params.loudness_window, duration),
        loudness,
        speech_regions: regions.into_iter().filter_map(|frames| window_of(frames, duration)).collect(),
        rhythm,
    })
}

/// Windows that cannot have beats: silence, and speech without music.
fn beatless(segments: &[Segment]) -> Vec<Window> {
    let is_beatless = |segment: &&Segment| match segment.kind {
        SceneKind::Speech => !segment.background_music,
        SceneKind::Silence => true,
        SceneKind::Music | SceneKind::Other => false,
    };
    segments.iter().filter(is_beatless).map(|segment| segment.window).collect()
}

/// The window of a range of speech detector frames, truncated at `duration`.
pub(crate) fn window_of(frames: Range<usize>, duration: MediaTime) -> Option<Window> {
    let time = |frame: usize| {
        let samples = i64::try_from(frame * SPEECH_FRAME).unwrap_or(i64::MAX);
        MediaTime::from_samples(samples, SPEECH_RATE).min(duration)
    };
    Window::new(time(frames.start), time(frames.end)).ok().filter(|window| !window.is_empty())
}
