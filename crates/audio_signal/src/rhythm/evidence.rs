//! The evidence from which rhythm is decided: by the net, and all of it, to fit the confidences.

use super::confidence::Support;
use super::inputs::{self, INPUTS};
use super::net::{self, Activations, ONSET};
use super::tracker::{self, BeatTracker, FoundBeats};
use super::{Beat, Rhythm, RhythmAnalyzer, RhythmStream};

/// Minimum sample rate in Hz for the net, which was trained on streams of 8 kHz bandwidth and more.
const MIN_NET_RATE: u32 = 8_000;

/// The output of the net for a recording.
pub(super) struct NetEvidence {
    /// The onset function in each frame.
    rises: Vec<f32>,
    activations: Vec<Activations>,
    /// The frames that were computed.
    computed: Vec<bool>,
}

impl NetEvidence {
    /// Nothing, below the least sample rate of the net.
    pub(super) fn new(tracker: &BeatTracker<'_>, inputs: Vec<u8>, rate: u32) -> Self {
        let inputs = if rate >= MIN_NET_RATE { inputs } else { Vec::new() };
        let computed = tracker.can_have_beat(inputs.len() / INPUTS);
        let activations = net::activations(&inputs, &tracker::ranges(&computed));
        // The inputs are not kept: 2 KB per second.
        Self { rises: inputs::rises(&inputs), activations, computed }
    }

    /// The beats by the net, or else by the pulse alone.
    pub(super) fn beats(&self, tracker: &BeatTracker<'_>) -> FoundBeats {
        let by_pulse = tracker.by_pulse();
        let by_net = tracker.by_net(&self.rises, &self.activations, &self.computed, &by_pulse);
        by_net.unwrap_or(by_pulse.found)
    }

    /// The log-odds of an onset in each frame that was computed.
    pub(super) fn onsets(&self) -> Vec<Option<f32>> {
        let frames = self.activations.iter().zip(&self.computed);
        frames.map(|(activations, computed)| computed.then_some(activations[ONSET])).collect()
    }
}

/// The evidence that the confidences of a recording are computed from, to fit them (`tools/rhythm/confidence.py`).
pub struct RhythmEvidence {
    /// Frames of the onset function per second, and the function.
    pub frames_per_second: f64,
    /// The onset function, by frame.
    pub rises: Vec<f32>,
    /// The pulse of each frequency range, each two of these frames.
    pub ranges: Vec<Vec<f32>>,
    /// Log-odds of an onset, each four of these frames.
    pub onset_log_odds: Vec<f32>,
    /// Each beat, whether it is the net's, and the evidence around and at it.
    pub beats: Vec<(Beat, bool, [f32; 2])>,
    /// The beats by the pulse alone, in the same form.
    pub pulse_beats: Vec<(Beat, bool, [f32; 2])>,
    /// Tempi related to that of the beats: the ratio, beats per minute, relative salience.
    pub tempi: Vec<[f64; 3]>,
    /// The result of the analysis.
    pub rhythm: Rhythm,
}

/// The evidence in a `mono` recording of `rate` Hz, which the analysis supports.
#[must_use]
pub fn rhythm_evidence(rate: u32, mono: &[f32]) -> Option<RhythmEvidence> {
    let mut analyzer = RhythmAnalyzer::new(rate);
    analyzer.push(mono);
    let RhythmStream { envelope, mut spectrum, mut features } = analyzer.stream?;
    spectrum.finish(|levels| features.push(levels));
    let inputs = std::mem::take(&mut features.inputs.values);
    let onsets = std::mem::take(&mut features.onsets);
    let tracker = BeatTracker::new(features, envelope, spectrum.hop(), rate, &[], &[]);
    let evidence = NetEvidence::new(&tracker, inputs, rate);
    let found = evidence.beats(&tracker);
    let with_features = |found: &FoundBeats| {
        let supports = found.placed.iter().flatten().map(|beat| beat.support);
        let beats = found.beats().into_iter().zip(supports);
        let row = |(beat, support): (Beat, Support)| match support {
            Support::Net { strength, own } => (beat, true, [strength, own]),
            Support::Pulse { strength, own } => (beat, false, [strength, own]),
        };
        beats.map(row).collect()
    };
    Some(RhythmEvidence {
        frames_per_second: f64::from(rate) / spectrum.hop() as f64,
        onset_log_odds: evidence.activations.iter().map(|frame| frame[ONSET]).collect(),
        beats: with_features(&found),
        pulse_beats: with_features(&tracker.by_pulse().found),
        tempi: found.tempi.iter().map(|tempo| [tempo.ratio, tempo.bpm, tempo.salience]).collect(),
        rhythm: Rhythm {
            onsets: onsets.pick(spectrum.hop(), rate, &evidence.onsets(), &tracker.ranges),
            tempo: found.tempo(),
            beats: found.beats(),
        },
        ranges: tracker.ranges.to_vec(),
        rises: onsets.values,
    })
}
