//! Generalised cross-correlation with phase transform (Knapp & Carter 1976): the lag of one recording in another.

use crate::RATE;
use crate::fourier::{Fourier, Signals};

/// Range of the frequencies that are compared, in Hz.
const LOWEST_HZ: usize = 80;
const HIGHEST_HZ: usize = 7_000;
/// Bins whose power is below this part of the mean in either signal carry no phase: −60 dB.
const NEGLIGIBLE: f32 = 1e-6;
/// Standard deviations for each one of a normal distribution: tonal audio has fewer independent phases than bins, and its
/// correlations have longer tails. An upper bound of what unrelated audio has.
const EXCESS: f64 = 1.5;
/// Length of the fades at the ends of the signals, in samples: 40 ms.
const FADE: usize = 640;
/// Fewest lags outside of the peak of which the highest one is expected to be what it is.
const LEAST_OUTSIDE: u32 = 64;
/// Samples around the peak that are no part of the noise floor: the width of the main lobe.
const LOBE: usize = 16;

/// The best lag of a correlation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lag {
    /// Position of the query's first sample in the source, in samples, interpolated.
    pub(crate) samples: f64,
    /// Height of the peak over the root mean square of the correlation.
    pub(crate) height: f64,
    /// Probability that unrelated audio has a peak as high at any of the lags that were searched.
    pub(crate) chance: f64,
}

/// The lag at which `query` occurs in `source`, among those of 0 to `source.len() - query.len()`; `None` if a signal is
/// silent, or the query is the longer one.
///
/// Every frequency counts equally, so that the peak is as sharp in tonal audio as in noise. In unrelated audio the
/// phases are independent, and the correlation of a lag is normally distributed: with `n` lags, a peak of `z` standard
/// deviations of either sign has the probability `2 n × Q(z)` of being chance; here `z / 1.5` is used, see [`EXCESS`].
/// Periodic audio has such peaks at its periods, too: the peak has to stand out of the second highest one as well.
pub(crate) fn phase_correlation(query: &[f32], source: &[f32]) -> Option<Lag> {
    let lags = (source.len() + 1).checked_sub(query.len())?;
    if is_silent(query) || is_silent(source) {
        return None;
    }
    let mut fourier = Fourier::<1>::new(source.len().max(64));
    let size = fourier.size();
    // One transform of two real signals: the query is the real part, the source the imaginary one.
    let mut signals = Signals::<1>::zeros(size);
    load(&mut signals.real, query);
    load(&mut signals.imaginary, source);
    fourier.transform(&mut signals);
    let (mut whitened, kept) = cross_spectrum(&signals)?;
    fourier.invert(&mut whitened);
    let correlation: Vec<f32> = whitened.real.into_iter().map(|[value]| value).collect();
    let best =
        (0..lags).max_by(|&a, &b| correlation[a].abs().total_cmp(&correlation[b].abs()).then(b.cmp(&a)))?;
    // The noise floor: the larger one of all lags, and of those that were searched.
    let floor = [size, lags].map(|end| {
        let outside = |lag: &usize| lag.abs_diff(best).min(size - lag.abs_diff(best)) > LOBE;
        let (sum, count) = (0..end)
            .filter(outside)
            .fold((0.0, 0.0), |(sum, count), lag| (sum + f64::from(correlation[lag]).powi(2), count + 1.0));
        (sum / f64::max(count, 1.0)).sqrt()
    });
    // Not below that of random phases, of which `kept` bins have |X| = 1 (twice: the spectrum is symmetrical).
    let floor = floor[0].max(floor[1]).max(0.1 * (2.0 * kept as f64).sqrt());
    let height = f64::from(correlation[best].abs()) / floor;
    let sign = f64::from(correlation[best].signum());
    let at = |lag: usize| sign * f64::from(correlation[lag % size]);
    let (left, middle, right) = (at(best + size - 1), at(best), at(best + 1));
    let curvature = left - 2.0 * middle + right;
    let vertex = if curvature < 0.0 { (0.5 * (left - right) / curvature).clamp(-0.5, 0.5) } else { 0.0 };
    let chance = |z: f64| (2.0 * lags as f64 * normal_tail(z)).min(1.0);
    Some(Lag {
        samples: best as f64 + vertex,
        height,
        chance: chance(height / EXCESS).max(chance(over_second(&correlation[..lags], best))),
    })
}

/// Height of the peak at `best` in standard deviations, if the highest value outside of it is what is expected of as many
/// normally distributed ones. In periodic audio, as a voice of constant pitch, every period has a peak: then none counts.
fn over_second(correlation: &[f32], best: usize) -> f64 {
    let outside = correlation.iter().enumerate().filter(|(lag, _)| lag.abs_diff(best) > LOBE);
    let (second, count) =
        outside.fold((0.0f32, 0), |(highest, count), (_, value)| (highest.max(value.abs()), count + 1));
    if count < LEAST_OUTSIDE || second <= 0.0 {
        return f64::INFINITY;
    }
    let expected = (2.0 * f64::from(count).ln()).sqrt();
    f64::from(correlation[best].abs() / second) * expected
}

/// Loads samples with faded ends: those of a part of a recording are steps, which would be most of what there is at high
/// frequencies in tonal audio, and correlate with one another.
fn load(values: &mut [[f32; 1]], samples: &[f32]) {
    let fade = FADE.min(samples.len() / 8);
    let gain = |from_end: usize| {
        let position = (from_end as f32 + 0.5) / fade as f32;
        if from_end < fade { 0.5 - 0.5 * (std::f32::consts::PI * position).cos() } else { 1.0 }
    };
    for (n, (value, sample)) in values.iter_mut().zip(samples).enumerate() {
        value[0] = sample * gain(n.min(samples.len() - 1 - n));
    }
}

/// Is the power below −120 dBFS?
fn is_silent(samples: &[f32]) -> bool {
    samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() <= 1e-12 * samples.len() as f64
}

/// The cross-spectrum of the two real signals that are the parts of a complex one, each bin divided by its magnitude,
/// and the number of bins that are not 0.
fn cross_spectrum(bins: &Signals<1>) -> Option<(Signals<1>, usize)> {
    let size = bins.real.len();
    let range = (LOWEST_HZ * size / RATE as usize).max(1)..HIGHEST_HZ * size / RATE as usize;
    // Two times the spectra of both signals.
    let spectra = |k: usize| {
        let ([a], [b]) = (bins.real[k], bins.imaginary[k]);
        let ([c], [d]) = (bins.real[size - k], bins.imaginary[size - k]);
        [[a + c, b - d], [b + d, c - a]]
    };
    let power = |[re, im]: [f32; 2]| re * re + im * im;
    let mean = |part: fn([[f32; 2]; 2]) -> [f32; 2]| {
        range.clone().map(|k| f64::from(power(part(spectra(k))))).sum::<f64>() / range.len().max(1) as f64
    };
    let floors = [mean(|both| both[0]), mean(|both| both[1])].map(|mean| mean as f32 * NEGLIGIBLE);
    if floors.iter().any(|floor| *floor < f32::MIN_POSITIVE) {
        return None;
    }
    let (mut whitened, mut kept) = (Signals::<1>::zeros(size), 0);
    for k in range {
        let [query, source] = spectra(k);
        if power(query) < floors[0] || power(source) < floors[1] {
            continue;
        }
        // conj(query) × source: the peak is at the query's position in the source.
        let (re, im) =
            (query[0] * source[0] + query[1] * source[1], query[0] * source[1] - query[1] * source[0]);
        let magnitude = (re * re + im * im).sqrt();
        if magnitude >= f32::MIN_POSITIVE {
            let (re, im) = (re / magnitude, im / magnitude);
            (whitened.real[k], whitened.imaginary[k]) = ([re], [im]);
            (whitened.real[size - k], whitened.imaginary[size - k]) = ([re], [-im]);
            kept += 1;
        }
    }
    (kept > 0).then_some((whitened, kept))
}

/// Upper tail of the standard normal distribution, to within a factor of 1.1 for z ≥ 0.
pub(crate) fn normal_tail(z: f64) -> f64 {
    if z <= 0.0 {
        return 0.5;
    }
    // Bounds of Mills' ratio (Birnbaum 1942).
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    density * 2.0 / (z + (z * z + 4.0).sqrt())
}

/// Correlation and gain of `query` against `source`, sample by sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Similarity {
    /// −1 to 1; 0 if one of them is silent.
    pub(crate) correlation: f64,
    /// Factor that makes the source most similar to the query, in the sense of least squares.
    pub(crate) gain: f64,
}

pub(crate) fn similarity(query: &[f32], source: &[f32]) -> Similarity {
    let (mut product, mut own, mut other) = (0.0, 0.0, 0.0);
    for (a, b) in query.iter().zip(source).map(|(a, b)| (f64::from(*a), f64::from(*b))) {
        (product, own, other) = (product + a * b, own + a * a, other + b * b);
    }
    // −120 dBFS.
    let silent = 1e-12 * query.len().max(1) as f64;
    if own < silent || other < silent {
        return Similarity { correlation: 0.0, gain: 0.0 };
    }
    Similarity { correlation: product / (own * other).sqrt(), gain: product / other }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn phase_correlation_finds_the_lag_to_a_fraction_of_a_sample() {
        let source = noise(1, 20_000);
        let found = phase_correlation(&source[7_321..15_321], &source).unwrap();
        assert!((found.samples - 7_321.0).abs() < 0.1, "{found:?}");
        assert!(found.chance < 1e-12, "{found:?}");
    }

    #[test]
    fn phase_correlation_finds_a_query_in_louder_noise() {
        let (source, other) = (noise(1, 20_000), noise(9, 8_000));
        let query: Vec<f32> = source[500..8_500].iter().zip(&other).map(|(a, b)| 0.3 * a + 0.6 * b).collect();
        let found = phase_correlation(&query, &source).unwrap();
        assert!((found.samples - 500.0).abs() < 0.5 && found.chance < 1e-6, "{found:?}");
    }

    #[test]
    fn unrelated_noise_is_chance() {
        for seed in 0..20 {
            let found =
                phase_correlation(&noise(2 * seed + 100, 4_000), &noise(2 * seed + 101, 9_000)).unwrap();
            assert!(found.chance > 1e-4, "{found:?}");
        }
    }

    #[test]
    fn silence_and_longer_queries_have_no_lag() {
        assert_eq!(phase_correlation(&[0.0; 100], &noise(1, 200)), None);
        assert_eq!(phase_correlation(&noise(1, 200), &noise(1, 199)), None);
        assert_eq!(phase_correlation(&[], &noise(1, 199)), None);
    }

    #[test]
    fn similarity_is_the_gain_of_a_copy() {
        let source = noise(3, 1_000);
        let copy: Vec<f32> = source.iter().map(|sample| -0.5 * sample).collect();
        let found = similarity(&copy, &source);
        assert!((found.correlation + 1.0).abs() < 1e-9 && (found.gain + 0.5).abs() < 1e-9);
    }
}
