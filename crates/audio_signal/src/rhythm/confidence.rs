//! Confidences of beats: the probability that a beat is right (within 70 ms), by logistic regressions of what supports it.
//! One is for beats of the net, one for those of the pulse alone. `tools/rhythm/confidence.py` fits both on rendered songs
//! that the net was not trained on (docs/rhythm_net.md).

use crate::math::{log10, sigmoid};

/// Means are taken over this many beats on both sides.
const AROUND: usize = 6;
/// Tempo (BPM) whose logarithm has no weight.
const MIDDLE_BPM: f64 = 105.0;
/// Added to the irregularity before its logarithm is taken.
const EVEN: f64 = 0.01;
/// Number of features of a beat.
pub(super) const SUPPORTS: usize = 9;

/// The features of a beat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Support {
    pub(super) by_net: bool,
    /// Strength around; own evidence; that around; that halfway between the beats around; share of beats around that have
    /// other evidence; logarithms of irregularity and of the run's length; octaves from [`MIDDLE_BPM`], and their square.
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
    /// The beats' places, ascending, and how many of their units a second has.
    pub(super) places: &'a [f64],
    pub(super) per_second: f64,
    pub(super) by_net: bool,
    /// Strength around each beat.
    pub(super) strengths: &'a [f32],
    /// Whether there is other evidence for each beat.
    pub(super) agrees: &'a [bool],
}

impl RunEvidence<'_> {
    /// The features of each beat, given the evidence at any place.
    pub(super) fn supports(&self, evidence: impl Fn(f64) -> f32) -> Vec<Support> {
        let Self { places, by_net, strengths, agrees, .. } = *self;
        let count = places.len();
        let own: Vec<f32> = places.iter().map(|place| evidence(*place)).collect();
        let between: Vec<f32> =
            places.windows(2).map(|pair| evidence(f64::midpoint(pair[0], pair[1]))).collect();
        let intervals: Vec<f64> = places.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let length = log10(count as f32);
        let support = |beat: usize| {
            let around = beat.saturating_sub(AROUND)..(beat + AROUND + 1).min(count);
            let gaps = around.start..around.end - 1;
            let agreeing = agrees[around.clone()].iter().filter(|agrees| **agrees).count();
            let interval = mean(&intervals[gaps.clone()]).unwrap_or(1.0);
            let changes: Vec<f64> =
                intervals[gaps.clone()].windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
            let irregularity = mean(&changes).unwrap_or(0.0) / interval;
            let bpm = 60.0 * self.per_second / interval;
            let octaves = log10((bpm / MIDDLE_BPM) as f32) / std::f32::consts::LOG10_2;
            Support {
                by_net,
                features: [
                    strengths[beat],
                    own[beat],
                    mean_f32(&own[around.clone()]),
                    mean_f32(&between[gaps]),
                    agreeing as f32 / around.len() as f32,
                    log10((irregularity + EVEN) as f32),
                    length,
                    octaves,
                    octaves * octaves,
                ],
            }
        };
        (0..count).map(support).collect()
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn mean_f32(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confidence(by_net: bool, strength: f32, evidence: f32, places: &[f64]) -> f32 {
        let strengths = vec![strength; places.len()];
        let agrees = vec![strength > 0.5; places.len()];
        let run = RunEvidence { places, per_second: 50.0, by_net, strengths: &strengths, agrees: &agrees };
        let on_beat = |place: f64| if places.contains(&place) { evidence } else { -evidence };
        run.supports(on_beat)[places.len() / 2].confidence()
    }
}
