//! The one pass over a recording that finds everything at once.

use std::ops::Range;

use media_time::{MediaTime, Window};

use media_decode::{AudioFormat, DecodeError, DecodeStats, Decoder, DecoderKind, MediaInput};

use crate::scene::{self, SceneKind, Track};
use crate::{
    AnalysisParams, LoudnessProfile, Rhythm, SPEECH_FRAME, SPEECH_RATE, Segment, SignalError, SpeechDetector,
    Suspicion, Thresholds, pipeline, plausibility,
};

/// Changes whenever the same recording and parameters may give another result.
pub const ALGORITHM_VERSION: &str = "signal_v4";

/// Names everything but the recording and the request's own parameters that changes a result: the algorithm's
/// version, the speech detector's weights and the thresholds that are not the fitted ones. For cache keys: holds no
/// `|` and no space.
///
/// # Errors
/// [`SignalError::Model`] when this build's speech model is not the one it was written for.
pub fn version(thresholds: &Thresholds) -> Result<String, SignalError> {
    let fitted = format!("{ALGORITHM_VERSION}+{}", SpeechDetector::version()?);
    let changed = thresholds.changed();
    Ok(changed.iter().fold(fitted, |version, (name, value)| format!("{version}+{name}={value}")))
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
/// of sound (some tens of milliseconds), and should return at once. A second pass over the recording, for its words,
/// tells its progress from the beginning again.
#[derive(Clone, Copy)]
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

impl std::fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

/// What one pass over a recording found.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// Exact length of what is heard, from presentation zero to the last decoded sample; more than zero.
    pub duration: MediaTime,
    /// Rate, channels and codec.
    pub format: AudioFormat,
    /// What was damaged in the file.
    pub decode_stats: DecodeStats,
    /// What decoded it.
    pub decoder: DecoderKind,
    /// Why the decoding is doubted; empty for nearly every recording. Confidences are then below 0.5.
    pub suspicions: Vec<Suspicion>,
    /// Speech, music, silence and other: sorted, without overlap, covering `[0, duration)` without gap.
    pub segments: Vec<Segment>,
    /// Integrated loudness in LUFS (EBU R 128, gated); `None` when everything is below the gate.
    pub integrated_lufs: Option<f64>,
    /// Loudness range in LU (EBU Tech 3342); `None` when there is nothing to measure.
    pub loudness_range: Option<f64>,
    /// Loudness in LUFS (ungated) of consecutive windows of the length asked for, the last one cut at
    /// `duration`; `None` for digital silence.
    pub loudness_windows: Vec<(Window, Option<f64>)>,
    /// How loud it is, when.
    pub loudness: LoudnessProfile,
    /// Where somebody speaks or sings, finer than `segments` and also over music: what a transcriber should hear.
    /// Sorted, without overlap; empty without [`AnalysisParams::include_speech_music`].
    pub speech_regions: Vec<Window>,
    /// Onsets, tempo and beats; empty without [`AnalysisParams::include_beats`].
    pub rhythm: Rhythm,
}

/// Decodes a recording and finds everything in it: in one pass, and where the decoding is implausible in a second one
/// by ffmpeg (see [`Suspicion`]).
///
/// Memory is bounded by about 10 KiB per second of audio, whatever the file's rate and channels: some 100 MiB for
/// three hours. The result is the same to the last bit for any number of threads.
///
/// # Errors
/// Those of [`MediaInput::decoder`] and [`Decoder::next_block`]; [`DecodeError::Undecodable`] when there is not one
/// sample, or an implausible decoding cannot be checked because ffmpeg refuses the file; [`DecodeError::Cancelled`] when
/// the caller asked to stop.
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
    let heard = pipeline::listen(&mut decoder, params, control)?;
    let duration = decoder.position();
    if duration == MediaTime::ZERO {
        return Err(DecodeError::Undecodable("it holds no audio at all".to_owned()).into());
    }
    let pipeline::Heard { peak, loudness, cells, textures, voice, rhythm } = heard;
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

/// Where there cannot be a beat: in silence, and where somebody talks and no music plays.
fn beatless(segments: &[Segment]) -> Vec<Window> {
    let is_beatless = |segment: &&Segment| match segment.kind {
        SceneKind::Speech => !segment.background_music,
        SceneKind::Silence => true,
        SceneKind::Music | SceneKind::Other => false,
    };
    segments.iter().filter(is_beatless).map(|segment| segment.window).collect()
}

/// The window of some frames of the speech detector, cut at `duration`.
pub(crate) fn window_of(frames: Range<usize>, duration: MediaTime) -> Option<Window> {
    let time = |frame: usize| {
        let samples = i64::try_from(frame * SPEECH_FRAME).unwrap_or(i64::MAX);
        MediaTime::from_samples(samples, SPEECH_RATE).min(duration)
    };
    Window::new(time(frames.start), time(frames.end)).ok().filter(|window| !window.is_empty())
}
