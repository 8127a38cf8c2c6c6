//! Logarithmic mel filter bank energies as Kaldi computes them: the features CAM++ was trained on.
//!
//! 25 ms frames every 10 ms, no padding at the edges, DC removed, pre-emphasis 0.97, Povey window, power spectrum of
//! 512 points, 80 triangular bands between 20 Hz and 8 kHz on Kaldi's mel scale. Samples are in [-1, 1].

use std::f64::consts::TAU;

use crate::fourier::{Fourier, POINTS};

/// Number of mel bands in a frame.
pub(crate) const BANDS: usize = 80;
/// Number of samples per frame.
pub(crate) const FRAME: usize = 400;
/// Samples from one frame to the next.
pub(crate) const HOP: usize = 160;

const LOWEST_HZ: f64 = 20.0;
const HIGHEST_HZ: f64 = 8_000.0;
const PRE_EMPHASIS: f32 = 0.97;

/// A band: its first bin and the weights from that bin on.
struct Band {
    first: usize,
    weights: Vec<f32>,
}

/// Tables of the filter bank.
pub(crate) struct FilterBank {
    fourier: Fourier,
    window: Vec<f32>,
    bands: Vec<Band>,
}

impl FilterBank {
    pub(crate) fn new() -> Self {
        let hann = |i: usize| 0.5 - 0.5 * (TAU * i as f64 / (FRAME - 1) as f64).cos();
        Self {
            fourier: Fourier::new(),
            window: (0..FRAME).map(|i| hann(i).powf(0.85) as f32).collect(),
            bands: (0..BANDS).map(band).collect(),
        }
    }

    /// One row of [`BANDS`] values for each full frame of `samples`.
    pub(crate) fn features(&self, samples: &[f32]) -> Vec<[f32; BANDS]> {
        samples.windows(FRAME).step_by(HOP).map(|frame| self.frame(frame)).collect()
    }

    fn frame(&self, samples: &[f32]) -> [f32; BANDS] {
        let mean = samples.iter().sum::<f32>() / FRAME as f32;
        let mut previous = samples[0] - mean;
        let shaped: Vec<f32> = samples
            .iter()
            .zip(&self.window)
            .map(|(&sample, window)| {
                let centred = sample - mean;
                let emphasised = centred - PRE_EMPHASIS * previous;
                previous = centred;
                emphasised * window
            })
            .collect();
        let mut power = [0.0; POINTS / 2];
        self.fourier.power(&shaped, &mut power);
        let mut energies = [0.0; BANDS];
        for (energy, band) in energies.iter_mut().zip(&self.bands) {
            let sum: f32 = band.weights.iter().zip(&power[band.first..]).map(|(w, p)| w * p).sum();
            *energy = sum.max(f32::EPSILON).ln();
        }
        energies
    }
}

fn mel(hertz: f64) -> f64 {
    1_127.0 * (1.0 + hertz / 700.0).ln()
}

fn band(index: usize) -> Band {
    let (lowest, highest) = (mel(LOWEST_HZ), mel(HIGHEST_HZ));
    let step = (highest - lowest) / (BANDS + 1) as f64;
    let left = lowest + index as f64 * step;
    let (centre, right) = (left + step, left + 2.0 * step);
    let weight = |bin: usize| {
        let at = mel(bin as f64 * f64::from(crate::RATE) / POINTS as f64);
        let slope = if at <= centre { (at - left) / step } else { (right - at) / step };
        (left < at && at < right).then_some(slope as f32)
    };
    let first = (0..POINTS / 2).find(|&bin| weight(bin).is_some()).unwrap_or(0);
    Band { first, weights: (first..POINTS / 2).map_while(weight).collect() }
}

/// One second of test signal, equal to the bit to that of `tools/speakers/golden.py`.
#[cfg(test)]
pub(crate) fn golden_signal() -> Vec<f32> {
    (0..16_000i64).map(|i| ((i * i * 7 + i * 13) % 2_001 - 1_000) as f32 / 4_000.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_has_its_energy_in_its_band() {
        let bank = FilterBank::new();
        for hertz in [300.0, 1_000.0, 3_000.0] {
            let tone: Vec<f32> =
                (0..1_600).map(|i| (0.5 * (TAU * hertz * f64::from(i) / 16_000.0).sin()) as f32).collect();
            let features = bank.features(&tone);
            assert_eq!(features.len(), (1_600 - FRAME) / HOP + 1);
            let loudest = (0..BANDS).max_by(|&a, &b| features[3][a].total_cmp(&features[3][b])).unwrap();
            let step = (mel(HIGHEST_HZ) - mel(LOWEST_HZ)) / (BANDS + 1) as f64;
            let expected = (mel(hertz) - mel(LOWEST_HZ)) / step - 1.0;
            assert!((loudest as f64 - expected).abs() <= 1.0, "{hertz} Hz: {loudest}, not {expected}");
        }
    }

    /// Values by `tools/speakers/golden.py` with kaldi-native-fbank. When this fails, [`crate::FEATURES_VERSION`] needs
    /// another number: embeddings of different features are not comparable.
    #[test]
    fn features_equal_those_of_kaldi() {
        const GOLDEN_BANDS: [usize; 7] = [0, 1, 10, 20, 40, 60, 79];
        const GOLDEN: [(usize, [f32; 7]); 4] = [
            (0, [-5.2639, -4.3692, -3.7315, -0.4187, 1.7876, 3.5700, 5.1326]),
            (1, [-4.6111, -4.1595, -2.7784, -1.5479, 1.4487, 4.1248, 5.1286]),
            (50, [-5.2841, -4.4151, -3.7787, -0.4305, 1.8200, 3.5326, 5.1234]),
            (97, [-5.6287, -7.5367, -5.0852, -0.7227, 0.9281, 3.3367, 5.0850]),
        ];
        let features = FilterBank::new().features(&golden_signal());
        assert_eq!(features.len(), 98);
        for (frame, expected) in GOLDEN {
            for (band, expected) in GOLDEN_BANDS.into_iter().zip(expected) {
                let found = features[frame][band];
                assert!(
                    (found - expected).abs() < 5e-3,
                    "frame {frame}, band {band}: {found}, not {expected}"
                );
            }
        }
        assert_eq!(crate::FEATURES_VERSION, 1);
    }

    #[test]
    fn silence_and_short_input_give_finite_features() {
        let bank = FilterBank::new();
        assert!(bank.features(&[0.0; FRAME - 1]).is_empty());
        assert!(bank.features(&[0.0; 800]).iter().flatten().all(|&x| x == f32::EPSILON.ln()));
    }
}
