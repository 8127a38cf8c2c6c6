use std::ops::Range;

use super::sliding;
use super::texture::{BANDS, Texture};

/// Number of frames compared on either side of an instant: 1 s.
const REACH: usize = 32;
/// Minimum number of frames on either side for a comparison: 0.26 s.
const MIN_FRAMES: i64 = 8;
/// Minimum distance of two changes in frames.
const MIN_DISTANCE: usize = 16;
/// Minimum mean log likelihood ratio per band of a change. Between two different sources it is 0.5 to 1.5, within
/// steady noise 0.1, within music 0.2 to 0.5 with peaks at real changes.
const MIN_RATIO: f32 = 0.5;
/// Minimum variance of a band's level within a section, in dB²: prevents certainty from a few constant frames.
const VARIANCE_FLOOR: f64 = 4.0;

/// The sections between changes of the audio; they cover all frames.
///
/// An instant is a change if two Gaussians with diagonal covariance, one for the band levels of the second before and
/// one for those of the second after, explain both seconds much better than a single one, and better than at any
/// instant nearby (Chen and Gopalakrishnan, "Speaker, environment and channel change detection", 1998).
pub(crate) fn sections(textures: &[Texture]) -> Vec<Range<usize>> {
    let ratios = ratios(textures);
    let greatest = sliding::maxima(&ratios, MIN_DISTANCE);
    let is_change = |frame: &usize| ratios[*frame] >= MIN_RATIO && ratios[*frame] >= greatest[*frame];
    let mut bounds: Vec<usize> = (1..textures.len()).filter(is_change).collect();
    bounds.dedup_by(|next, last| *next - *last < MIN_DISTANCE);
    let starts = std::iter::once(0).chain(bounds.iter().copied());
    let ends = bounds.iter().copied().chain([textures.len()]);
    starts.zip(ends).map(|(start, end)| start..end).collect()
}

/// Log likelihood ratio of a change at the start of each frame.
fn ratios(textures: &[Texture]) -> Vec<f32> {
    let mut before = Moments::default();
    let mut after = Moments::default();
    textures.iter().take(REACH).for_each(|texture| after.add(texture, 1));
    (0..textures.len())
        .map(|frame| {
            let enough = before.count.min(after.count) >= MIN_FRAMES;
            let ratio = if enough { before.ratio(&after) } else { 0.0 };
            before.add(&textures[frame], 1);
            after.add(&textures[frame], -1);
            if let Some(old) = frame.checked_sub(REACH) {
                before.add(&textures[old], -1);
            }
            if let Some(new) = textures.get(frame + REACH) {
                after.add(new, 1);
            }
            ratio
        })
        .collect()
}

/// Sums over frames, in integers: adding and subtracting is exact.
#[derive(Default)]
struct Moments {
    count: i64,
    sums: [i64; BANDS],
    squares: [i64; BANDS],
}

impl Moments {
    fn add(&mut self, texture: &Texture, sign: i64) {
        self.count += sign;
        for (band, &steps) in texture.bands.iter().enumerate() {
            let steps = i64::from(steps);
            self.sums[band] += sign * steps;
            self.squares[band] += sign * steps * steps;
        }
    }

    /// Logarithm of the variance of a band in dB², from its moments in steps of 0.5 dB.
    fn log_variance(count: i64, sum: i64, squares: i64) -> f64 {
        let (count, mean) = (count as f64, sum as f64 / count as f64);
        ((squares as f64 / count - mean * mean) / 4.0 + VARIANCE_FLOOR).ln()
    }

    fn ratio(&self, other: &Self) -> f32 {
        let count = self.count + other.count;
        let share = self.count as f64 / count as f64;
        let ratio = |band: usize| {
            let (sum, squares) =
                (self.sums[band] + other.sums[band], self.squares[band] + other.squares[band]);
            Self::log_variance(count, sum, squares)
                - share * Self::log_variance(self.count, self.sums[band], self.squares[band])
                - (1.0 - share) * Self::log_variance(other.count, other.sums[band], other.squares[band])
        };
        ((0..BANDS).map(ratio).sum::<f64>() / BANDS as f64) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::TextureMeter;

    #[test]
    fn changes_are_detected_and_steady_noise_has_none() {
        let mut noise = 1u32;
        let samples: Vec<f32> = (0..160_000)
            .map(|n| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let hiss = (noise >> 8) as f32 / 8_388_608.0 - 1.0;
                hiss * if n < 81_920 { 0.1 } else { 0.01 }
            })
            .collect();
        let mut meter = TextureMeter::new();
        meter.push(&samples);
        let found = sections(&meter.finish());
        assert_eq!((found.len(), found.last().map(|last| last.end)), (2, Some(313)), "{found:?}");
        assert!(found[0].end.abs_diff(160) <= 1, "{found:?}");
        assert_eq!(sections(&[]), std::slice::from_ref(&(0..0)));
    }
}
