//! Confidences of beats: the probability that a beat is right (within 70 ms), by logistic regressions of what supports it.
//! One is for beats of the net, one for those of the pulse alone. `tools/rhythm/confidence.py` fits both on rendered songs
//! that the net was not trained on (docs/rhythm_net.md).

use crate::math::sigmoid;

/// Means are taken over this many beats on both sides.
const AROUND: usize = 6;
/// Number of features of a beat.
pub(super) const SUPPORTS: usize = 5;

/// The features of a beat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Support {
    pub(super) by_net: bool,
    /// Strength around; the evidence for the beat, the mean of that for the beats around, and of that halfway between them;
    /// the share of the beats around that have other evidence.
    pub(super) features: [f32; SUPPORTS],
}

/// An offset, and the weight of each feature.
type Weights = [f32; SUPPORTS + 1];
const BY_NET: Weights = [0.0; SUPPORTS + 1];
const BY_PULSE: Weights = [0.0; SUPPORTS + 1];

impl Support {
    /// The probability that the beat is right.
    pub(super) fn confidence(&self) -> f32 {
        logistic(if self.by_net { &BY_NET } else { &BY_PULSE }, &self.features)
    }
}

/// The probability for `features`, of which there is one less than `weights`.
pub(super) fn logistic(weights: &[f32], features: &[f32]) -> f32 {
    let sum: f32 = weights[1..].iter().zip(features).map(|(weight, value)| weight * value).sum();
    sigmoid(weights[0] + sum)
}

/// The evidence for the beats of a run.
pub(super) struct RunEvidence<'a> {
    /// The frames of the beats, ascending.
    pub(super) frames: &'a [usize],
    pub(super) by_net: bool,
    /// Strength around each beat.
    pub(super) strengths: &'a [f32],
    /// Whether there is other evidence for each beat.
    pub(super) agrees: &'a [bool],
}

impl RunEvidence<'_> {
    /// The features of each beat, given the evidence in any frame.
    pub(super) fn supports(&self, evidence: impl Fn(usize) -> f32) -> Vec<Support> {
        let Self { frames, by_net, strengths, agrees } = *self;
        let own: Vec<f32> = frames.iter().map(|frame| evidence(*frame)).collect();
        let between: Vec<f32> =
            frames.windows(2).map(|pair| evidence(usize::midpoint(pair[0], pair[1]))).collect();
        let support = |beat: usize| {
            let around = beat.saturating_sub(AROUND)..(beat + AROUND + 1).min(frames.len());
            let agreeing = agrees[around.clone()].iter().filter(|agrees| **agrees).count();
            let gaps = &between[around.start..around.end - 1];
            let features = [
                strengths[beat],
                own[beat],
                mean(&own[around.clone()]),
                mean(gaps),
                agreeing as f32 / around.len() as f32,
            ];
            Support { by_net, features }
        };
        (0..frames.len()).map(support).collect()
    }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The confidences of twenty beats, in every 25th frame, with this evidence; there is none between them.
    fn confidences(by_net: bool, strength: f32, evidence: impl Fn(usize) -> f32) -> Vec<f32> {
        let frames: Vec<usize> = (0..20).map(|beat| beat * 25).collect();
        let run = RunEvidence { frames: &frames, by_net, strengths: &[strength; 20], agrees: &[true; 20] };
        let on_beat = |frame: usize| if frame % 25 == 0 { evidence(frame / 25) } else { -3.0 };
        run.supports(on_beat).iter().map(Support::confidence).collect()
    }

    #[test]
    fn strong_beats_are_more_certain_than_weak_ones() {
        let by_net = (confidences(true, 0.9, |_| 3.0)[10], confidences(true, 0.2, |_| -1.0)[10]);
        let by_pulse = (confidences(false, 30.0, |_| 5.0)[10], confidences(false, 4.0, |_| 0.5)[10]);
        for (strong, weak) in [by_net, by_pulse] {
            assert!(strong > 0.9 && weak < 0.6, "{strong} {weak}");
        }
    }

    #[test]
    fn a_beat_without_evidence_is_less_certain_than_those_around() {
        let found = confidences(true, 0.7, |beat| if beat == 10 { -3.0 } else { 2.0 });
        assert!(found[10] < found[9] && found[10] < found[0], "{found:?}");
    }

    #[test]
    fn a_run_may_have_any_length() {
        for count in 0..3 {
            let frames: Vec<usize> = (0..count).map(|beat| beat * 25).collect();
            let run = RunEvidence {
                frames: &frames,
                by_net: true,
                strengths: &[0.5; 2][..count],
                agrees: &[false; 2][..count],
            };
            assert!(run.supports(|_| 0.0).iter().all(|beat| (0.0..=1.0).contains(&beat.confidence())));
        }
    }
}
