//! Confidences of beats: the probability that a beat is right (within 70 ms), by logistic regressions of the evidence around it
//! and at it. One is for beats of the net, one for those of the pulse alone. `tools/rhythm/confidence.py` fits both on rendered
//! songs that the net was not trained on (docs/rhythm_net.md). More features (evidence between the beats, agreement of net and
//! pulse, regularity, length) predict songs that are left out worse.

use crate::math::sigmoid;

/// The evidence for a beat.
#[derive(Clone, Copy, Debug)]
pub(super) enum Support {
    /// By the net: the mean activation around, and the log-odds of the beat.
    Net { strength: f32, own: f32 },
    /// By the pulse: the significance around, and the pulse at the beat.
    Pulse { strength: f32, own: f32 },
}

/// An offset, and the weights of the evidence around and of the beat's own.
type Weights = [f32; 3];
const BY_NET: Weights = [1.560, 0.658, 0.469];
const BY_PULSE: Weights = [-0.528, 0.082, 0.252];

impl Support {
    /// The probability that the beat is right.
    pub(super) fn confidence(self) -> f32 {
        match self {
            Self::Net { strength, own } => logistic(&BY_NET, &[strength, own]),
            Self::Pulse { strength, own } => logistic(&BY_PULSE, &[strength, own]),
        }
    }
}

/// The probability for `features`, of which there is one less than `weights`.
pub(super) fn logistic(weights: &[f32], features: &[f32]) -> f32 {
    let sum: f32 = weights[1..].iter().zip(features).map(|(weight, value)| weight * value).sum();
    sigmoid(weights[0] + sum)
}

#[cfg(test)]
mod tests {
    use super::Support::{Net, Pulse};

    #[test]
    fn beats_are_more_certain_the_more_evidence_there_is() {
        let by_net = [(0.15, -3.0), (0.5, -3.0), (0.5, 1.0), (0.9, 3.0)];
        let by_net = by_net.map(|(strength, own)| Net { strength, own }.confidence());
        let by_pulse = [(3.5, 0.0), (12.0, 0.0), (12.0, 3.0), (40.0, 5.0)];
        let by_pulse = by_pulse.map(|(strength, own)| Pulse { strength, own }.confidence());
        for found in [by_net, by_pulse] {
            assert!(found.is_sorted() && found[0] < 0.6 && found[3] > 0.9, "{found:?}");
        }
    }
}
