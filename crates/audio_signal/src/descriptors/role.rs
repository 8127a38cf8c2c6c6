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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::f32::consts::TAU;

    use super::*;
    use crate::descriptors::hit_features;

    const RATE: u32 = 44_100;

    fn noise(count: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as i32 as f32 / i32::MAX as f32
        };
        (0..count).map(|_| next()).collect()
    }

    /// Half a second of `sound` of the time in seconds and a random number.
    fn estimate(rate: u32, sound: impl Fn(f32, f32) -> f32) -> RoleEstimate {
        let noise = noise(rate as usize / 2);
        let samples = noise.iter().enumerate().map(|(n, noise)| sound(n as f32 / rate as f32, *noise));
        HitRole::estimate(&hit_features(&samples.collect::<Vec<_>>(), rate).unwrap())
    }

    #[test]
    fn synthetic_drums_have_their_roles_at_any_rate() {
        for rate in [22_050, 44_100, 48_000, 96_000] {
            // A sine that falls from 160 to 50 Hz.
            let kick = estimate(rate, |time, noise| {
                let phase = 50.0 * time + 110.0 / 30.0 * (1.0 - (-30.0 * time).exp());
                (TAU * phase).sin() * (-9.0 * time).exp() + 0.02 * noise * (-200.0 * time).exp()
            });
            let tom = estimate(rate, |time, noise| {
                let phase = 110.0 * time + 20.0 / 15.0 * (1.0 - (-15.0 * time).exp());
                (TAU * phase).sin() * (-6.0 * time).exp() + 0.05 * noise * (-80.0 * time).exp()
            });
            let snare = estimate(rate, |time, noise| {
                0.5 * noise * (-20.0 * time).exp() + 0.5 * (TAU * 190.0 * time).sin() * (-25.0 * time).exp()
            });
            // Noise without low frequencies: each number minus the one before.
            let last = Cell::new(0.0);
            let hat =
                estimate(rate, |time, noise| 0.5 * (noise - last.replace(noise)) * (-50.0 * time).exp());
            let found = [kick, tom, snare, hat];
            let expected = [HitRole::Kick, HitRole::Tom, HitRole::Snare, HitRole::Hat];
            assert_eq!(found.map(|estimate| estimate.role), expected, "{rate} Hz: {found:?}");
        }
    }

    #[test]
    fn roles_are_probabilities_and_unclear_hits_are_others() {
        let features = |seed: usize| {
            let values = noise(HIT_FEATURES * (seed + 1));
            std::array::from_fn(|index| MEANS[index] + values[HIT_FEATURES * seed + index] / SCALES[index])
        };
        for seed in 0..200 {
            let probabilities = probabilities(&features(seed));
            assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            let RoleEstimate { role, confidence } = HitRole::estimate(&features(seed));
            let best = probabilities.iter().fold(0.0_f32, |best, other| best.max(*other));
            assert_eq!(role != HitRole::Other, best >= MIN_PROBABILITY && best > probabilities[ROLES - 1]);
            assert!((0.0..=1.0).contains(&confidence));
        }
    }

    #[test]
    fn notes_of_instruments_are_others() {
        let note = estimate(RATE, |time, _| {
            let partial = |n: i32| (TAU * 220.0 * n as f32 * time).sin() / n as f32;
            0.3 * (1..8).map(partial).sum::<f32>() * (-2.0 * time).exp()
        });
        assert_eq!(note.role, HitRole::Other, "{note:?}");
    }
}
