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
    (0.222, 0.206),
    (0.097, 0.104),
    (0.180, 0.177),
    (0.769, 0.580),
    (1.785, 0.871),
    (0.346, 0.188),
    (1.972, 0.581),
    (1.708, 0.726),
    (0.377, 0.449),
];

/// Is sound without a voice music (1) or neither music nor speech (0)?
pub(crate) const MUSIC: Logistic =
    Logistic { weights: [0.958, 1.582, 0.372, -1.090, 1.606, 1.572, 1.194, 0.000, 0.000], bias: 0.439 };

/// Does a voice sing (1) or speak (0)?
pub(crate) const SINGING: Logistic =
    Logistic { weights: [1.375, -0.281, -0.912, -1.708, 0.370, 2.212, 2.368, -1.758, -3.576], bias: 1.177 };

/// Is there music under a speaking voice?
pub(crate) const BACKGROUND: Logistic =
    Logistic { weights: [2.293, 0.429, 0.114, -0.061, -0.277, 0.198, 1.958, -3.063, -1.306], bias: 3.104 };

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
