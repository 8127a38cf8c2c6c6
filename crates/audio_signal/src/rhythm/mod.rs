//! Rhythm: onsets, tempo, beats and bars of a mono stream.
//!
//! While samples are pushed, only band levels are computed and reduced to one onset value per 5 ms and one
//! pulse value per frequency range and 10 ms; all decisions are made in [`RhythmAnalyzer::finish`] over
//! the whole recording. Methods, sources and measurements: `docs/signal.md`.

mod bars;
mod beats;
mod envelope;
mod grid;
mod onsets;
mod pulse;
mod resonators;
mod spectrum;
mod tempo;
mod timbre;

use media_time::{MediaTime, Window};

pub use grid::{Beat, Tempo, TempoCandidate};
pub use onsets::Onset;

use bars::FEATURES;
use envelope::PeakEnvelope;
use grid::BeatFeatures;
use onsets::OnsetFunction;
use pulse::{PULSE_STRIDE, Pulse, PulseFunction, RANGES};
use spectrum::BandSpectrum;
use tempo::Tempogram;
use timbre::Timbre;

/// Weights of the frequency ranges for the tempo. Hi-hats subdivide the beat, which would double the tempo.
const TEMPO_WEIGHTS: [f32; RANGES] = [1.0, 1.0, 1.0, 0.0];
/// Weights of the frequency ranges for the beats of a known tempo. Hi-hats mark them best.
const BEAT_WEIGHTS: [f32; RANGES] = [1.0, 1.0, 1.0, 1.5];
/// Minimum pulse, in standard deviations, of the recording's first onset.
const FIRST_ONSET_PULSE: f32 = 1.0;

/// The rhythm of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rhythm {
    /// The detected onsets, with strictly increasing times.
    pub onsets: Vec<Onset>,
    /// The tempo; `None` without beats.
    pub tempo: Option<Tempo>,
    /// The detected beats, with strictly increasing times; empty without a regular beat.
    pub beats: Vec<Beat>,
}

/// Detects the rhythm of a mono stream of any sample rate; silence, noise and speech have onsets but no beats.
///
/// Memory grows by about 7 KB per second of audio.
///
/// # Examples
///
/// ```
/// use audio_signal::RhythmAnalyzer;
///
/// // Clicks of 10 ms twice a second, for 15 s.
/// let rate = 16_000;
/// let click = |n: u32| if n % 8_000 < 160 { (n as f32 * 0.8).sin() * 0.9 } else { 0.0 };
/// let samples: Vec<f32> = (0..15 * rate).map(click).collect();
///
/// let mut analyzer = RhythmAnalyzer::new(rate);
/// for piece in samples.chunks(1_000) {
///     analyzer.push(piece);
/// }
/// let rhythm = analyzer.finish();
/// assert_eq!(rhythm.onsets.len(), 30);
/// assert_eq!(rhythm.tempo.map(|tempo| tempo.bpm.round()), Some(120.0));
/// ```
pub struct RhythmAnalyzer {
    rate: u32,
    /// `None` when the rate is out of range.
    stream: Option<RhythmStream>,
}

struct RhythmStream {
    envelope: PeakEnvelope,
    spectrum: BandSpectrum,
    features: FrameFeatures,
}

struct FrameFeatures {
    onsets: OnsetFunction,
    pulse: PulseFunction,
    timbre: Timbre,
    frames: usize,
}

impl FrameFeatures {
    fn push(&mut self, levels: &[f32]) {
        self.onsets.push(levels);
        self.timbre.push(levels);
        if self.frames.is_multiple_of(PULSE_STRIDE) {
            self.pulse.push(levels);
        }
        self.frames += 1;
    }
}

impl RhythmAnalyzer {
    /// An analyser for a stream of `rate` Hz. Below about 500 Hz or above 1 MHz nothing is detected.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let stream = BandSpectrum::new(rate).map(|spectrum| RhythmStream {
            envelope: PeakEnvelope::new(rate),
            features: FrameFeatures {
                onsets: OnsetFunction::default(),
                pulse: PulseFunction::new(spectrum.centres_hz()),
                timbre: Timbre::new(spectrum.centres_hz()),
                frames: 0,
            },
            spectrum,
        });
        Self { rate, stream }
    }

    /// Adds `mono` samples (finite, full scale ±1); the result does not depend on how the stream is split into calls.
    pub fn push(&mut self, mono: &[f32]) {
        if let Some(RhythmStream { envelope, spectrum, features }) = &mut self.stream {
            envelope.push(mono);
            spectrum.push(mono, |levels| features.push(levels));
        }
    }

    /// The rhythm of all pushed samples.
    #[must_use]
    pub fn finish(self) -> Rhythm {
        self.finish_outside(&[])
    }

    /// The rhythm of all pushed samples, without beats in `beatless` windows (sorted). Syllables are regular enough to
    /// continue a beat from the music before them, and silence has no evidence against it.
    #[must_use]
    pub fn finish_outside(self, beatless: &[Window]) -> Rhythm {
        self.finish_with_features(beatless).0
    }

    /// Also returns the features of the beats of each unbroken run.
    fn finish_with_features(self, beatless: &[Window]) -> (Rhythm, Vec<BeatFeatures>) {
        let Some(RhythmStream { envelope, mut spectrum, mut features }) = self.stream else {
            return Default::default();
        };
        spectrum.finish(|levels| features.push(levels));
        let onsets = features.onsets.pick(spectrum.hop(), self.rate);
        if features.frames == 0 {
            return (Rhythm { onsets, ..Rhythm::default() }, Vec::new());
        }
        let hop = spectrum.hop() * PULSE_STRIDE;
        let frames_per_second = f64::from(self.rate) / hop as f64;
        let mut ranges = features.pulse.finish(frames_per_second);
        let is_beatless = |frame: usize| {
            let time = MediaTime::from_samples((frame * hop) as i64, self.rate);
            let next = beatless.partition_point(|window| window.end() <= time);
            beatless.get(next).is_some_and(|window| window.contains(time))
        };
        for frame in (0..ranges[0].len()).filter(|frame| is_beatless(*frame)) {
            ranges.iter_mut().for_each(|range| range[frame] = 0.0);
        }

        let tempogram = Tempogram::new(&Pulse::sum(&ranges, TEMPO_WEIGHTS, frames_per_second));
        let mut path = tempogram.path();
        let after_silence = |frame: usize| envelope.starts_after_silence(frame * hop);
        let mut pulse = Pulse::sum(&ranges, BEAT_WEIGHTS, frames_per_second);
        let first_onset = pulse.values.iter().position(|value| *value > FIRST_ONSET_PULSE);
        first_onset.filter(|frame| after_silence(*frame)).inspect(|frame| pulse.accent(*frame));

        let beats = beats::track_with_alternatives(&pulse, &tempogram, &mut path);
        let runs = grid::significant_runs(&beats, &path, |frame| !is_beatless(frame));
        let time = |frame: usize| {
            let frame = frame as f64 + onsets::peak_offset(&pulse.values, frame);
            MediaTime::from_samples((frame * hop as f64).round() as i64, self.rate)
        };
        let evidence = grid::BeatEvidence { ranges: &ranges, timbre: &features.timbre };
        let beat_features: Vec<BeatFeatures> = runs.iter().map(|run| evidence.of(run)).collect();
        let beats = grid::number_beats(&runs, &beat_features, &path, time, after_silence);
        let tempo = grid::tempo(&beats, &tempogram, &path);
        (Rhythm { onsets, tempo, beats }, beat_features)
    }
}

/// For each unbroken run of beats in a `mono` recording of `rate` Hz: the four features from which positions in bars
/// are estimated, and the beats as [`RhythmAnalyzer::finish`] returns them. For fitting the bars
/// (`tools/rhythm/fit.py`).
#[must_use]
pub fn bar_features(rate: u32, mono: &[f32]) -> Vec<Vec<([f32; FEATURES], Beat)>> {
    let mut analyzer = RhythmAnalyzer::new(rate);
    analyzer.push(mono);
    let (rhythm, beat_features) = analyzer.finish_with_features(&[]);
    let mut beats = rhythm.beats.into_iter();
    beat_features.into_iter().map(|run| run.into_iter().zip(beats.by_ref()).collect()).collect()
}
