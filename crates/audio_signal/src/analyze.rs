//! Decodes and analyses a recording.

use media_decode::{DecodeError, Decoder, MediaInput};
use media_time::MediaTime;

use crate::pipeline::{PassFeatures, run_pass};
use crate::scene::{self, SceneMeasurements};
use crate::scene_rhythm::rhythm_outside;
use crate::speech::window_of;
use crate::{Analysis, AnalysisParams, Control, Rhythm, Segment, SignalError, plausibility};

/// Decodes and analyses a recording in one pass; if the decoding is implausible, in a second pass by ffmpeg (see
/// [`Suspicion`](crate::Suspicion)).
///
/// Memory is bounded by about 14 KiB per second of audio, regardless of the file's sample rate and channels: about 143
/// MiB for three hours. Landmarks add at most 480 bytes per second: 5.2 MB for three hours. The result is bit-identical
/// for any number of threads.
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
    plausibility::verify(first, input, |decoder| analyze_once(decoder, params, control))
}

fn analyze_once(
    mut decoder: Decoder,
    params: &AnalysisParams,
    control: &Control<'_>,
) -> Result<Analysis, SignalError> {
    let features = run_pass(&mut decoder, params, control)?;
    let duration = decoder.position();
    let PassFeatures { peak, true_peak, pyramid, loudness, cells, textures, voice, rhythm, landmarks } =
        features;
    let empty = || DecodeError::Undecodable("it contains no audio samples".to_owned());
    let pyramid = pyramid.filter(|_| duration > MediaTime::ZERO).ok_or_else(empty)?;
    let measurements = SceneMeasurements { cells, textures, voice, duration };
    let to_segment = |segment: scene::TimedSegment| Segment {
        kind: segment.kind,
        window: segment.window,
        confidence: segment.confidence,
        loudness_lufs: loudness.window_lufs(segment.window),
        background_music: segment.background_music,
        sung: segment.sung,
    };
    let regions = scene::speech_regions(&measurements.voice, &params.thresholds);
    let segments = scene::segments(&measurements, params);
    // Before the rhythm is decided, which takes as much memory.
    drop(measurements);
    let rhythm = if params.include_beats { rhythm_outside(&segments, rhythm) } else { Rhythm::default() };
    let integrated_lufs = loudness.integrated_lufs();
    let suspicions = plausibility::check(&decoder, peak, integrated_lufs);
    Ok(Analysis {
        duration,
        format: decoder.format().clone(),
        decode_stats: decoder.stats(),
        decoder: decoder.kind().clone(),
        suspicions,
        segments: segments.into_iter().map(to_segment).collect(),
        integrated_lufs,
        loudness_range: loudness.range_lu(),
        momentary_max_lufs: loudness.momentary_max_lufs(),
        short_term_max_lufs: loudness.short_term_max_lufs(),
        true_peak_dbtp: (true_peak > 0.0).then(|| 20.0 * f64::from(true_peak).log10()),
        loudness_windows: loudness.windows(params.loudness_window, duration),
        loudness,
        pyramid,
        speech_regions: regions.into_iter().filter_map(|frames| window_of(frames, duration)).collect(),
        rhythm,
        landmarks,
    })
}
