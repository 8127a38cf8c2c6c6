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
    (-1.703, 0.860),
    (0.203, 0.144),
    (0.332, 0.161),
    (1.639, 0.712),
    (1.376, 0.560),
    (0.799, 0.470),
    (0.664, 0.480),
    (1.795, 0.728),
    (0.354, 0.406),
];

/// Music (1) or other (0), for frames without speech.
pub(crate) const MUSIC: Logistic = Logistic {
    weights: [0.871, 0.221, 0.476, -1.535, 1.132, 0.402, 0.319, 0.258, 0.000, 0.416, -0.399],
    bias: 0.130,
};

/// Speech (1), or singing, instruments or barking (0), for frames that the speech detector reports.
pub(crate) const SPEAKING: Logistic = Logistic {
    weights: [-0.211, -0.768, -0.609, 1.843, -0.727, -1.215, 0.511, 0.475, -0.521, 0.011, -0.453],
    bias: 1.735,
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
