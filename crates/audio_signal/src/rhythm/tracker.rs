//! Beats, bars and tempo of a recording from its features: by the net, or by the pulse alone.

use media_time::{MediaTime, Window};

use super::envelope::PeakEnvelope;
use super::grid::{self, Beat, BeatEvidence, BeatFeatures, PlacedBeat, Tempo};
use super::inputs::FRAMES_PER_STEP;
use super::pulse::{PULSE_STRIDE, Pulse, RANGES};
use super::tempo::Tempogram;
use super::timbre::Timbre;
use super::{FrameFeatures, bars, beats, net, neural, onsets};

/// Weights of the frequency ranges for the tempo. Hi-hats subdivide the beat, which would double the tempo.
const TEMPO_WEIGHTS: [f32; RANGES] = [1.0, 1.0, 1.0, 0.0];
/// Weights of the frequency ranges for the beats of a known tempo. Hi-hats mark them best.
const BEAT_WEIGHTS: [f32; RANGES] = [1.0, 1.0, 1.0, 1.5];
/// Minimum pulse, in standard deviations, of the recording's first onset.
const FIRST_ONSET_PULSE: f32 = 1.0;
/// A beat of the net is moved to the highest pulse within this many frames of the pulse (20 ms) …
const SNAP_REACH: usize = 2;
/// … if that is at least as high (standard deviations).
const MIN_SNAP_PULSE: f32 = 1.0;

/// Beats in the order of their times, and their tempo.
type Beats = (Vec<Beat>, Option<Tempo>);

/// The features of a recording from which its beats are decided.
pub(super) struct BeatTracker<'a> {
    envelope: PeakEnvelope,
    ranges: [Vec<f32>; RANGES],
    timbre: Timbre,
    /// Samples per frame of the spectrum.
    hop: usize,
    rate: u32,
    /// Where there are no beats, sorted.
    beatless: &'a [Window],
}

impl<'a> BeatTracker<'a> {
    pub(super) fn new(
        features: FrameFeatures,
        envelope: PeakEnvelope,
        hop: usize,
        rate: u32,
        beatless: &'a [Window],
    ) -> Self {
        let frames_per_second = f64::from(rate) / (hop * PULSE_STRIDE) as f64;
        let ranges = features.pulse.finish(frames_per_second);
        let mut tracker = Self { envelope, ranges, timbre: features.timbre, hop, rate, beatless };
        for frame in 0..tracker.ranges[0].len() {
            if tracker.is_beatless(frame * PULSE_STRIDE) {
                tracker.ranges.iter_mut().for_each(|range| range[frame] = 0.0);
            }
        }
        tracker
    }

    /// The time of a frame of the spectrum.
    fn time(&self, frame: f64) -> MediaTime {
        MediaTime::from_samples((frame * self.hop as f64).round() as i64, self.rate)
    }

    fn is_beatless(&self, frame: usize) -> bool {
        let time = MediaTime::from_samples((frame * self.hop) as i64, self.rate);
        let next = self.beatless.partition_point(|window| window.end() <= time);
        self.beatless.get(next).is_some_and(|window| window.contains(time))
    }

    fn pulse(&self, weights: [f32; RANGES]) -> Pulse {
        let frames_per_second = f64::from(self.rate) / (self.hop * PULSE_STRIDE) as f64;
        Pulse::sum(&self.ranges, weights, frames_per_second)
    }

    /// The beats by the net, given its stored inputs; `None` if it detects none.
    pub(super) fn by_net(&self, inputs: &[u8]) -> Option<Beats> {
        let activations = net::activations(inputs);
        let frames_per_second = f64::from(self.rate) / (self.hop * FRAMES_PER_STEP) as f64;
        // A frame of the net is the mean of those of the spectrum from its first on.
        let centre = |frame: f64| frame * FRAMES_PER_STEP as f64 + (FRAMES_PER_STEP - 1) as f64 / 2.0;
        let runs = neural::runs(
            &activations,
            frames_per_second,
            |frame| !self.is_beatless(frame * FRAMES_PER_STEP),
            |frame| self.envelope.starts_after_silence((centre(frame) * self.hop as f64) as usize),
        );
        if runs.is_empty() {
            return None;
        }
        let pulse = self.pulse(BEAT_WEIGHTS);
        let place = |beat: &neural::NetBeat| PlacedBeat {
            time: self.time(snapped(&pulse, centre(beat.frame) / PULSE_STRIDE as f64) * PULSE_STRIDE as f64),
            position: beat.position,
            confidence: beat.strength,
        };
        let placed: Vec<Vec<PlacedBeat>> = runs.iter().map(|run| run.iter().map(place).collect()).collect();
        let beats = grid::number_beats(&placed);
        let values = neural::beat_activations(&activations);
        let tempogram = Tempogram::new(&Pulse { values, frames_per_second });
        let tempo = grid::tempo(&beats, &tempogram, |_| true);
        Some((beats, tempo))
    }

    /// The beats by the pulse, and the features of each run of them.
    pub(super) fn by_pulse(&self) -> (Beats, Vec<BeatFeatures>) {
        let tempogram = Tempogram::new(&self.pulse(TEMPO_WEIGHTS));
        let mut path = tempogram.path();
        let after_silence =
            |frame: usize| self.envelope.starts_after_silence(frame * PULSE_STRIDE * self.hop);
        let mut pulse = self.pulse(BEAT_WEIGHTS);
        let first_onset = pulse.values.iter().position(|value| *value > FIRST_ONSET_PULSE);
        first_onset.filter(|frame| after_silence(*frame)).inspect(|frame| pulse.accent(*frame));

        let beats = beats::track_with_alternatives(&pulse, &tempogram, &mut path);
        let runs = grid::significant_runs(&beats, &path, |frame| !self.is_beatless(frame * PULSE_STRIDE));
        let evidence = BeatEvidence { ranges: &self.ranges, timbre: &self.timbre };
        let features: Vec<BeatFeatures> = runs.iter().map(|run| evidence.of(run)).collect();
        let place = |(run, features): (&Vec<usize>, &BeatFeatures)| {
            let positions = bars::positions(features, after_silence(run[0]));
            let beat = |(frame, position): (&usize, usize)| PlacedBeat {
                time: self
                    .time((*frame as f64 + onsets::peak_offset(&pulse.values, *frame)) * PULSE_STRIDE as f64),
                position,
                confidence: grid::confidence(path.significance(*frame)),
            };
            run.iter().zip(positions).map(beat).collect()
        };
        let placed: Vec<Vec<PlacedBeat>> = runs.iter().zip(&features).map(place).collect();
        let beats = grid::number_beats(&placed);
        let tempo = grid::tempo(&beats, &tempogram, |point| path.is_audible(point));
        ((beats, tempo), features)
    }
}

/// The place of the peak of `pulse` nearest to a beat at `frame`; `frame` itself if there is none.
fn snapped(pulse: &Pulse, frame: f64) -> f64 {
    let nearest = frame.round().max(0.0) as usize;
    let around = nearest.saturating_sub(SNAP_REACH)..(nearest + SNAP_REACH + 1).min(pulse.values.len());
    let value = |frame: usize| pulse.values[frame];
    let Some(top) = around.reduce(|top, other| if value(other) > value(top) { other } else { top }) else {
        return frame;
    };
    let is_peak = value(top) >= MIN_SNAP_PULSE
        && (top == 0 || value(top - 1) <= value(top))
        && (top + 1 >= pulse.values.len() || value(top + 1) <= value(top));
    if is_peak { top as f64 + onsets::peak_offset(&pulse.values, top) } else { frame }
}
