//! The role of a hit, by multinomial logistic regression on its features.

use super::hit::HIT_FEATURES;
use super::role_weights::{MEANS, SCALES, WEIGHTS};
use crate::math::exp;

/// Number of roles.
pub(super) const ROLES: usize = 6;
/// Probability below which a role is not reported.
const MIN_PROBABILITY: f32 = 0.6;

/// The role of a hit in a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HitRole {
    /// Bass drum.
    Kick,
    /// Snare drum.
    Snare,
    /// Hi-hat or another cymbal.
    Hat,
    /// Tom.
    Tom,
    /// Hand clap.
    Clap,
    /// Another sound, or one whose role is not clear.
    Other,
}

/// A role with its confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoleEstimate {
    /// The role.
    pub role: HitRole,
    /// Probability of the role, 0 to 1; of [`HitRole::Other`], that of no other role being clear.
    pub confidence: f32,
}

impl HitRole {
    /// The roles, in the order of the weights.
    pub const ALL: [Self; ROLES] = [Self::Kick, Self::Snare, Self::Hat, Self::Tom, Self::Clap, Self::Other];

    /// The name of the role on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kick => "kick",
            Self::Snare => "snare",
            Self::Hat => "hat",
            Self::Tom => "tom",
            Self::Clap => "clap",
            Self::Other => "other",
        }
    }

    /// The most probable role; [`HitRole::Other`] if none of the others is clear.
    pub(super) fn estimate(features: &[f32; HIT_FEATURES]) -> RoleEstimate {
        let probabilities = probabilities(features);
        let mut best = RoleEstimate { role: Self::Other, confidence: probabilities[ROLES - 1] };
        for (role, confidence) in Self::ALL.into_iter().zip(probabilities) {
            if confidence > best.confidence {
                best = RoleEstimate { role, confidence };
            }
        }
        if best.role != Self::Other && best.confidence < MIN_PROBABILITY {
            return RoleEstimate { role: Self::Other, confidence: 1.0 - best.confidence };
        }
        best
    }
}

/// The probability of each role.
pub(super) fn probabilities(features: &[f32; HIT_FEATURES]) -> [f32; ROLES] {
    let scores = WEIGHTS.map(|weights| {
        let (bias, weights) = weights.split_last().unwrap_or((&0.0, &[]));
        let scaled = features.iter().zip(MEANS).zip(SCALES).map(|((value, mean), scale)| {
            // Values beyond those of the training data would be extrapolated.
            ((value - mean) * scale).clamp(-4.0, 4.0)
        });
        weights.iter().zip(scaled).map(|(weight, value)| weight * value).sum::<f32>() + bias
    });
    let highest = scores.into_iter().fold(f32::MIN, f32::max);
    let powers = scores.map(|score| exp(score - highest));
    let total: f32 = powers.iter().sum();
    powers.map(|power| power / total)
}
