//! Fitted parameters, printed by `tools/scene/fit.py`, which documents the training material.

use super::features::{FEATURES, Features, LEVEL_SPREAD, PEAKINESS, PERSISTENCE};
use crate::math::sigmoid;

/// Maximum distance of a feature from the mean in standard deviations; larger ones are clamped to it.
const FARTHEST: f32 = 3.0;
/// Number of inputs of a regression: the features and two products of them.
const INPUTS: usize = FEATURES + 2;

/// A logistic regression over standardised features and two of their products: persistence times peakiness (the
/// partials of a tune are distinct, those of a machine are dense) and the square of the level's spread (music is
/// neither as constant as a machine nor as irregular as barking).
pub(crate) struct Logistic {
    pub(crate) weights: [f32; INPUTS],
    pub(crate) bias: f32,
}

/// Mean and standard deviation of each feature in the training material.
const SCALES: [(f32, f32); FEATURES] = [
    (-1.675, 0.979),
    (0.223, 0.175),
    (0.328, 0.185),
    (1.685, 0.734),
    (1.356, 0.662),
    (0.758, 0.444),
    (0.740, 0.576),
    (1.916, 0.753),
    (0.383, 0.458),
];

/// Music (1) or other (0), for frames without speech.
pub(crate) const MUSIC: Logistic = Logistic {
    weights: [1.584, 0.898, 0.981, -2.062, 1.442, 0.721, 0.449, 0.542, 0.000, 0.457, -0.599],
    bias: 0.116,
};

/// Speech (1), or singing, instruments or barking (0), for frames that the speech detector reports.
pub(crate) const SPEAKING: Logistic = Logistic {
    weights: [-0.489, -0.055, -1.354, 0.326, 1.693, 0.139, -0.414, -1.892, 3.892, -0.536, 0.407],
    bias: -1.164,
};

impl Logistic {
    /// The probability of class 1, 0 to 1.
    pub(crate) fn probability(&self, features: &Features) -> f32 {
        let mut standard = [0.0; INPUTS];
        for ((standard, value), (mean, deviation)) in standard.iter_mut().zip(features).zip(SCALES) {
            *standard = ((value - mean) / deviation).clamp(-FARTHEST, FARTHEST);
        }
        standard[FEATURES] = standard[PERSISTENCE] * standard[PEAKINESS];
        standard[FEATURES + 1] = standard[LEVEL_SPREAD].powi(2);
        let weighted = standard.iter().zip(self.weights).map(|(value, weight)| value * weight);
        sigmoid(self.bias + weighted.sum::<f32>())
    }
}
