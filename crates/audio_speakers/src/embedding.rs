//! Speaker embeddings: vectors whose cosine similarity distinguishes speakers.

use std::sync::Arc;

use rten::ThreadPool;

use crate::SpeakerError;
use crate::fbank::{BANDS, FilterBank};
use crate::network::Network;

/// Dimensions of an embedding.
const DIMENSIONS: usize = 192;
/// Minimum number of feature frames (10 ms each) for an embedding.
pub(crate) const MIN_FRAMES: usize = 20;

/// A voice as a unit vector of 192 dimensions.
///
/// # Examples
///
/// ```
/// use audio_speakers::{Embedding, SAME_VOICE};
///
/// let mut values = [0.0; 192];
/// values[0] = 3.0;
/// let enrolled = Embedding::new(&values).expect("192 finite values, not all zero");
/// values[1] = 3.0;
/// let found = Embedding::new(&values).expect("192 finite values, not all zero");
///
/// // The angle between both is 45°.
/// assert!((enrolled.similarity(&found) - 0.707).abs() < 1e-3);
/// assert!(enrolled.similarity(&found) >= SAME_VOICE);
/// assert_eq!(Embedding::new(&[1.0; 3]), None);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// Scales any 192 finite values that are not all zero to unit length; `None` for other input.
    #[must_use]
    pub fn new(values: &[f32]) -> Option<Self> {
        let length = values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let usable = values.len() == DIMENSIONS && length.is_finite() && length > 0.0;
        usable.then(|| Self(values.iter().map(|x| (f64::from(*x) / length) as f32).collect()))
    }

    /// The 192 values, at unit length.
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

/// The embedding network and its filter bank.
pub(crate) struct Embedder {
    network: Network,
    bank: FilterBank,
}

impl Embedder {
    pub(crate) fn new(network: Network) -> Self {
        Self { network, bank: FilterBank::new() }
    }

    /// Mel band features of a window, one row per 10 ms.
    pub(crate) fn features(&self, samples: &[f32]) -> Vec<[f32; BANDS]> {
        self.bank.features(samples)
    }

    /// The embedding of the given frames of a window; `None` when they are too few or have no direction (digital
    /// silence).
    pub(crate) fn embed(
        &self,
        pool: &Arc<ThreadPool>,
        features: &[[f32; BANDS]],
        frames: &[usize],
    ) -> Result<Option<Embedding>, SpeakerError> {
        if frames.len() < MIN_FRAMES {
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
            let centred =
                features[frame].iter().zip(mean).map(|(x, sum)| x - (sum / frames.len() as f64) as f32);
            input.extend(centred);
        }
        let values = self.network.run(pool, &[1, frames.len(), BANDS], input)?;
        Ok(Embedding::new(&values))
    }
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
}
