//! Embeddings of voices: vectors whose cosine tells one person from another.

use crate::SpeakerError;
use crate::fbank::{BANDS, FRAME, FilterBank, HOP};
use crate::network::Network;
use crate::segmentation::{Activity, FRAME_OFFSET, FRAME_STEP, FRAMES};

/// Dimensions of an embedding.
const DIMENSIONS: usize = 192;
/// Fewest feature frames (10 ms each) that are embedded.
pub(crate) const FEWEST_FRAMES: usize = 20;

/// A voice as a unit vector of 192 dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// Of any 192 finite values that are not all zero; they are scaled to unit length.
    #[must_use]
    pub fn new(values: &[f32]) -> Option<Self> {
        let length = values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let usable = values.len() == DIMENSIONS && length.is_finite() && length > 0.0;
        usable.then(|| Self(values.iter().map(|x| (f64::from(*x) / length) as f32).collect()))
    }

    /// Its values.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// Cosine of the angle between both, in [-1, 1]; 1 for the same voice.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> f32 {
        let product: f64 = self.0.iter().zip(&other.0).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        product.clamp(-1.0, 1.0) as f32
    }
}

/// The embedding network with its features.
pub(crate) struct Embedder {
    network: Network,
    bank: FilterBank,
}

impl Embedder {
    pub(crate) fn new(network: Network) -> Self {
        Self { network, bank: FilterBank::new() }
    }

    /// Features of a window.
    pub(crate) fn features(&self, samples: &[f32]) -> Vec<[f32; BANDS]> {
        self.bank.features(samples)
    }

    /// The voice in the given frames of a window; `None` when they are too few or have no direction (digital silence).
    pub(crate) fn embed(
        &self,
        features: &[[f32; BANDS]],
        frames: &[usize],
    ) -> Result<Option<Embedding>, SpeakerError> {
        if frames.len() < FEWEST_FRAMES {
            return Ok(None);
        }
        let mut mean = [0f64; BANDS];
        for &frame in frames {
            for (sum, value) in mean.iter_mut().zip(features[frame]) {
                *sum += f64::from(value);
            }
        }
        let mut input = Vec::with_capacity(frames.len() * BANDS);
        for &frame in frames {
            let centred = features[frame].iter().zip(mean).map(|(x, sum)| x - (sum / frames.len() as f64) as f32);
            input.extend(centred);
        }
        let values = self.network.run(&[1, frames.len(), BANDS], input)?;
        Ok(Embedding::new(&values))
    }
}

/// Frames of features whose middle lies in a frame of the segmentation that `is_wanted` accepts.
pub(crate) fn frames_where(activity: &Activity, features: usize, is_wanted: impl Fn(u8) -> bool) -> Vec<usize> {
    let segment = |feature: usize| {
        let middle = feature * HOP + FRAME / 2;
        (middle.saturating_sub(FRAME_OFFSET) / FRAME_STEP).min(FRAMES - 1)
    };
    (0..features).filter(|&feature| is_wanted(activity[segment(feature)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embeddings_are_unit_vectors_or_rejected() {
        let mut values = vec![0.0; DIMENSIONS];
        assert_eq!(Embedding::new(&values), None);
        values[3] = 5.0;
        let a = Embedding::new(&values).unwrap();
        values[4] = 5.0;
        let b = Embedding::new(&values).unwrap();
        assert!((a.similarity(&b) - 0.5f32.sqrt()).abs() < 1e-6 && a.similarity(&a) == 1.0);
        values[5] = f32::NAN;
        assert_eq!(Embedding::new(&values), None);
        assert_eq!(Embedding::new(&[1.0]), None);
    }

    #[test]
    fn feature_frames_follow_the_segmentation() {
        let mut activity = [0; FRAMES];
        activity[100..200].fill(1);
        let frames = frames_where(&activity, 998, |set| set == 1);
        let expected = 100 * FRAME_STEP / HOP;
        assert!((frames.len() as i64 - expected as i64).abs() <= 1, "{} {expected}", frames.len());
        let first = frames[0] * HOP + FRAME / 2;
        assert!(first >= 100 * FRAME_STEP + FRAME_OFFSET && first < 100 * FRAME_STEP + FRAME_OFFSET + HOP);
    }
}
