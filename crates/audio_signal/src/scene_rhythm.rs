//! The rhythm of a recording where it can have one: not in speech, nor in silence.

use media_decode::AudioFormat;
use media_time::{MediaTime, Window};

use crate::pipeline::{BeatStage, MonoStage, Stage as _};
use crate::scene::{self, LevelMeter, SceneKind, SceneMeasurements, TimedSegment};
use crate::{AnalysisParams, Rhythm, RhythmAnalyzer, SignalError};

/// Shorter silence between music is a rest, in which the beats continue. The slowest beats are 1.33 s apart.
const LONGEST_REST: MediaTime = MediaTime::from_millis(1_500);

/// Detects the onsets, beats and tempo of a recording exactly as [`analyze`](crate::analyze) does with default
/// [`AnalysisParams`], whose segments decide where there are no beats.
pub struct SceneRhythmAnalyzer {
    levels: LevelMeter,
    mono: MonoStage,
    beats: BeatStage,
}

impl SceneRhythmAnalyzer {
    /// For a recording in this format.
    ///
    /// # Errors
    /// [`SignalError::Model`] when the bundled model of the speech detector cannot be used; [`SignalError::Decode`] for formats
    /// that cannot be resampled.
    pub fn new(format: &AudioFormat) -> Result<Self, SignalError> {
        Ok(Self {
            levels: LevelMeter::new(format.rate, format.channels()),
            mono: MonoStage::new(format, &params())?,
            beats: BeatStage::new(format),
        })
    }

    /// Adds whole frames of interleaved samples; the result does not depend on how they are split into calls.
    pub fn push(&mut self, interleaved: &[f32]) {
        self.levels.push(interleaved);
        self.mono.push(interleaved);
        self.beats.push(interleaved);
    }

    /// The rhythm of a recording of `duration`.
    #[must_use]
    pub fn finish(mut self, duration: MediaTime) -> Rhythm {
        self.mono.finish();
        let (textures, voice, _) = self.mono.into_features();
        let measurements = SceneMeasurements { cells: self.levels.finish(), textures, voice, duration };
        let segments = scene::segments(&measurements, &params());
        // Before the rhythm is decided, which takes as much memory.
        drop(measurements);
        rhythm_outside(&segments, self.beats.into_analyzer())
    }
}

fn params() -> AnalysisParams {
    AnalysisParams { include_landmarks: false, ..AnalysisParams::default() }
}

/// The rhythm of all samples that were pushed to `analyzer`: no beats in speech and silence, only clear ones in noise.
pub(crate) fn rhythm_outside(segments: &[TimedSegment], analyzer: RhythmAnalyzer) -> Rhythm {
    let noise = segments.iter().filter(|segment| segment.kind == SceneKind::Other);
    let noise: Vec<Window> = noise.map(|segment| segment.window).collect();
    analyzer.finish_outside(&beatless(segments), &noise)
}

/// Where there can be no beats: in silence that is no rest within music, and in speech without music.
fn beatless(segments: &[TimedSegment]) -> Vec<Window> {
    let is_music = |index: Option<usize>| {
        let segment = index.and_then(|index| segments.get(index));
        segment.is_some_and(|segment| segment.kind == SceneKind::Music || segment.background_music)
    };
    let is_beatless = |(index, segment): &(usize, &TimedSegment)| match segment.kind {
        SceneKind::Speech => !segment.background_music,
        SceneKind::Silence => {
            let is_short = segment.window.duration() < LONGEST_REST;
            !(is_short && is_music(index.checked_sub(1)) && is_music(Some(index + 1)))
        }
        SceneKind::Music | SceneKind::Other => false,
    };
    segments.iter().enumerate().filter(is_beatless).map(|(_, segment)| segment.window).collect()
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
            TimedSegment { kind: *kind, window, confidence: 1.0, background_music: false, sung: false }
        };
        let segments: Vec<TimedSegment> = kinds.iter().map(segment).collect();
        let at = |index: usize| segments[index].window;
        assert_eq!(beatless(&segments), [0, 4, 6, 7, 8, 11].map(at));
        let over_music = TimedSegment { background_music: true, ..segments[7].clone() };
        let segments = [segments[5].clone(), segments[6].clone(), over_music];
        assert_eq!(beatless(&segments), []);
    }
}
