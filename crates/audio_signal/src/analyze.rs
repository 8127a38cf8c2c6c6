//! Decodes and analyses a recording.

use media_decode::{DecodeError, Decoder, MediaInput};
use media_time::{MediaTime, Window};

use crate::pipeline::{PassFeatures, run_pass};
use crate::scene::{self, SceneKind, SceneMeasurements};
use crate::speech::window_of;
use crate::{Analysis, AnalysisParams, Control, Rhythm, Segment, SignalError, plausibility};

/// Shorter silence between music is a rest, in which the beats continue. The slowest beats are 1.33 s apart.
const LONGEST_REST: MediaTime = MediaTime::from_millis(1_500);

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
    let segments: Vec<Segment> = scene::segments(&measurements, params).into_iter().map(to_segment).collect();
    // Before the rhythm is decided, which takes as much memory.
    drop(measurements);
    let rhythm = if params.include_beats {
        let noise = |segment: &Segment| segment.kind == SceneKind::Other;
        rhythm.finish_outside(&beatless(&segments), &windows(&segments, noise))
    } else {
        Rhythm::default()
    };
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

/// Where there can be no beats: in silence that is no rest within music, and in speech without music.
fn beatless(segments: &[Segment]) -> Vec<Window> {
    let is_music = |index: Option<usize>| {
        let segment = index.and_then(|index| segments.get(index));
        segment.is_some_and(|segment| segment.kind == SceneKind::Music || segment.background_music)
    };
    let is_beatless = |(index, segment): &(usize, &Segment)| match segment.kind {
        SceneKind::Speech => !segment.background_music,
        SceneKind::Silence => {
            let is_short = segment.window.duration() < LONGEST_REST;
            !(is_short && is_music(index.checked_sub(1)) && is_music(Some(index + 1)))
        }
        SceneKind::Music | SceneKind::Other => false,
    };
    segments.iter().enumerate().filter(is_beatless).map(|(_, segment)| segment.window).collect()
}

fn windows(segments: &[Segment], of: impl Fn(&Segment) -> bool) -> Vec<Window> {
    segments.iter().filter(|segment| of(segment)).map(|segment| segment.window).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_silence_within_music_can_have_beats() {
        let kinds = [
            (SceneKind::Silence, 500),
            (SceneKind::Music, 4_000),
            (SceneKind::Silence, 1_400),
            (SceneKind::Music, 4_000),
            (SceneKind::Silence, 1_600),
            (SceneKind::Music, 4_000),
            (SceneKind::Silence, 300),
            (SceneKind::Speech, 2_000),
            (SceneKind::Silence, 300),
            (SceneKind::Other, 2_000),
            (SceneKind::Music, 1_000),
            (SceneKind::Silence, 300),
        ];
        let mut end = MediaTime::ZERO;
        let segment = |(kind, ms): &(SceneKind, i64)| {
            let window = Window::starting_at(end, MediaTime::from_micros(1_000 * ms));
            end = window.end();
            Segment {
                kind: *kind,
                window,
                confidence: 1.0,
                loudness_lufs: None,
                background_music: false,
                sung: false,
            }
        };
        let segments: Vec<Segment> = kinds.iter().map(segment).collect();
        let at = |index: usize| segments[index].window;
        assert_eq!(beatless(&segments), [0, 4, 6, 7, 8, 11].map(at));
        let over_music = Segment { background_music: true, ..segments[7].clone() };
        let segments = [segments[5].clone(), segments[6].clone(), over_music];
        assert_eq!(beatless(&segments), []);
    }
}
