//! Rhythm: onsets, tempo, beats and bars of a mono stream.
//!
//! While samples are pushed, only band levels are computed and reduced to one onset value per 5 ms, one pulse value per
//! frequency range and 10 ms, and the inputs of a net per 20 ms; all decisions are made in [`RhythmAnalyzer::finish`] over
//! the whole recording. Methods, sources and measurements: `docs/signal.md`.

mod bar_margins;
mod bars;
mod beats;
mod confidence;
mod envelope;
mod evidence;
mod grid;
mod inputs;
mod metre;
mod net;
mod neural;
mod onset_candidates;
mod onset_picker;
mod onsets;
mod path;
mod period;
mod pulse;
mod resonators;
mod spectrum;
mod tempo;
mod timbre;
mod tracker;

use media_time::Window;

pub use evidence::{RhythmEvidence, rhythm_evidence};
pub use grid::{Beat, Tempo, TempoCandidate};
pub use onsets::Onset;

use bars::FEATURES;
use envelope::PeakEnvelope;
use evidence::NetEvidence;
use grid::BeatFeatures;
use inputs::{INPUTS, NetInputs};
use onsets::OnsetFunction;
use pulse::{PULSE_STRIDE, PulseFunction};
use spectrum::BandSpectrum;
use timbre::Timbre;
use tracker::BeatTracker;

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
    inputs: NetInputs,
    frames: usize,
}

impl FrameFeatures {
    fn push(&mut self, levels: &[f32]) {
        let rise = self.onsets.push(levels);
        self.inputs.push(levels, rise);
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
                inputs: NetInputs::new(spectrum.centres_hz()),
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
        self.finish_outside(&[], &[])
    }

    /// The rhythm of all pushed samples, without beats in `beatless` windows (sorted). Syllables are regular enough to
    /// continue a beat from the music before them, and silence has no evidence against it. In windows of `noise` (sorted),
    /// only the net detects beats; the pulse does if the net detects none in the whole recording.
    #[must_use]
    pub fn finish_outside(self, beatless: &[Window], noise: &[Window]) -> Rhythm {
        let Some(RhythmStream { envelope, mut spectrum, mut features }) = self.stream else {
            return Default::default();
        };
        spectrum.finish(|levels| features.push(levels));
        if features.frames == 0 {
            return Rhythm::default();
        }
        let inputs = std::mem::take(&mut features.inputs.values);
        let onsets = std::mem::take(&mut features.onsets);
        let tracker = BeatTracker::new(features, envelope, spectrum.hop(), self.rate, beatless, noise);
        let evidence = NetEvidence::new(&tracker, inputs, self.rate);
        let beats = evidence.beats(&tracker);
        Rhythm {
            onsets: onsets.pick(spectrum.hop(), self.rate, &evidence.onsets(), &tracker.ranges),
            tempo: beats.tempo(),
            beats: beats.beats(),
        }
    }

    /// The rhythm without the net, and the features of the beats of each unbroken run.
    fn finish_by_pulse(self) -> (Vec<Beat>, Vec<BeatFeatures>) {
        let Some(RhythmStream { envelope, mut spectrum, mut features }) = self.stream else {
            return Default::default();
        };
        spectrum.finish(|levels| features.push(levels));
        if features.frames == 0 {
            return Default::default();
        }
        let tracker = BeatTracker::new(features, envelope, spectrum.hop(), self.rate, &[], &[]);
        let found = tracker.by_pulse();
        (found.found.beats(), found.features)
    }
}

/// For each unbroken run of beats in a `mono` recording of `rate` Hz: the four features from which positions in bars
/// are estimated, and the beats that are detected without the net. For fitting the bars (`tools/rhythm/fit.py`).
#[must_use]
pub fn bar_features(rate: u32, mono: &[f32]) -> Vec<Vec<([f32; FEATURES], Beat)>> {
    let mut analyzer = RhythmAnalyzer::new(rate);
    analyzer.push(mono);
    let (beats, beat_features) = analyzer.finish_by_pulse();
    let mut beats = beats.into_iter();
    beat_features.into_iter().map(|run| run.into_iter().zip(beats.by_ref()).collect()).collect()
}

/// The inputs of the rhythm net for a `mono` recording of `rate` Hz, and their number per frame; a frame is four hops of
/// `rate / 200` samples. For training (`tools/rhythm/train.py`).
#[must_use]
pub fn rhythm_features(rate: u32, mono: &[f32]) -> (usize, Vec<u8>) {
    let Some(mut stream) = RhythmAnalyzer::new(rate).stream else { return (INPUTS, Vec::new()) };
    let RhythmStream { spectrum, features, .. } = &mut stream;
    spectrum.push(mono, |levels| features.push(levels));
    spectrum.finish(|levels| features.push(levels));
    (INPUTS, stream.features.inputs.values)
}
