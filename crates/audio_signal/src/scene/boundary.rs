use std::ops::Range;

use super::texture::{BANDS, Texture};

/// How far a boundary may move, in frames: 1.3 s.
const REACH: usize = 40;
/// How much sound beyond that is compared, in frames.
const CONTEXT: usize = 24;
/// The least variance of a band's level within one sound, in dB²: keeps a few still frames from looking certain.
const VARIANCE_FLOOR: f64 = 4.0;
/// Frames on either side that a comparison needs.
const FEWEST: usize = 2;

/// The frame within `allowed` at which the sound changes most.
///
/// The split that best explains the band levels on both sides as two Gaussians with diagonal covariance: the
/// likelihood ratio of the Bayesian information criterion (Chen and Gopalakrishnan, "Speaker, environment and channel
/// change detection", 1998), of which one change is known to exist here.
pub(crate) fn sharpest_change(textures: &[Texture], near: usize, allowed: Range<usize>) -> usize {
    let allowed = allowed.start.max(near.saturating_sub(REACH))..allowed.end.min(near + REACH + 1);
    let compared = allowed.start.saturating_sub(CONTEXT)..textures.len().min(allowed.end + CONTEXT);
    let mut left = Moments::default();
    let mut right = Moments::default();
    textures[compared.clone()].iter().for_each(|texture| right.add(texture, 1.0));
    let mut best = (near, f64::INFINITY);
    for (split, texture) in compared.clone().zip(&textures[compared.clone()]) {
        if allowed.contains(&split) && left.count >= FEWEST as f64 && right.count >= FEWEST as f64 {
            let cost = left.cost() + right.cost();
            if cost < best.1 {
                best = (split, cost);
            }
        }
        left.add(texture, 1.0);
        right.add(texture, -1.0);
    }
    best.0
}

#[derive(Default)]
struct Moments {
    count: f64,
    sums: [f64; BANDS],
    squares: [f64; BANDS],
}

impl Moments {
    fn add(&mut self, texture: &Texture, weight: f64) {
        self.count += weight;
        for (band, &steps) in texture.bands.iter().enumerate() {
            let level = f64::from(steps) / 2.0;
            self.sums[band] += weight * level;
            self.squares[band] += weight * level * level;
        }
    }

    /// Minus twice the log likelihood of the best Gaussian, but for a constant.
    fn cost(&self) -> f64 {
        let variance = |(sum, squares): (&f64, &f64)| squares / self.count - (sum / self.count).powi(2);
        let logs =
            self.sums.iter().zip(&self.squares).map(|pair| (variance(pair).max(0.0) + VARIANCE_FLOOR).ln());
        self.count * logs.sum::<f64>()
    }
}
