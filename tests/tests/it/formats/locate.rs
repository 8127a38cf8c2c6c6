//! Finds an excerpt in a longer signal by cross-correlation.

/// Sample rate in Hz of the coarse search over the whole range.
const COARSE_RATE: u32 = 4_000;
/// Minimum normalised correlation; below it, the excerpt is not part of the signal. Speech codecs reach 0.7.
const MIN_CORRELATION: f64 = 0.5;

/// Position of `excerpt` in `signal`, in fractional samples, if it is within a second of `expected`.
///
/// A coarse search over averaged samples finds the neighbourhood, correlation of the samples the
/// position, and a parabola through the peak the fraction.
pub(crate) fn locate(excerpt: &[f32], signal: &[f32], expected: f64, rate: u32) -> Option<f64> {
    let step = (rate / COARSE_RATE).max(1) as usize;
    let reach = rate as usize;
    let first = expected.round() as i64 - reach as i64;
    let coarse = correlations(
        &averages(excerpt, step),
        &averages(&padded(signal, first, 2 * reach + excerpt.len()), step),
    );
    let neighbourhood = first + (largest(&coarse)? * step) as i64;

    let margin = 2 * step;
    let first = neighbourhood - margin as i64;
    let fine = correlations(excerpt, &padded(signal, first, excerpt.len() + 2 * margin));
    let peak = largest(&fine)?;
    (fine[peak] >= MIN_CORRELATION).then(|| (first + peak as i64) as f64 + summit(&fine, peak))
}

fn averages(samples: &[f32], step: usize) -> Vec<f32> {
    samples.chunks_exact(step).map(|chunk| chunk.iter().sum::<f32>() / step as f32).collect()
}

/// Copies `count` samples from `first` on; zeros before the first sample and after the last.
fn padded(samples: &[f32], first: i64, count: usize) -> Vec<f32> {
    let sample = |index: i64| usize::try_from(index).ok().and_then(|index| samples.get(index));
    (first..first + count as i64).map(|index| sample(index).copied().unwrap_or(0.0)).collect()
}

/// The normalised correlation at each lag at which `excerpt` fits; 0 where either signal is zero.
fn correlations(excerpt: &[f32], signal: &[f32]) -> Vec<f64> {
    if excerpt.is_empty() {
        return Vec::new();
    }
    let (_, own_energy) = product_and_energy(excerpt, excerpt);
    let correlation = |window| {
        let (product, energy) = product_and_energy(excerpt, window);
        let scale = f64::from(own_energy) * f64::from(energy);
        if scale > 0.0 { f64::from(product) / scale.sqrt() } else { 0.0 }
    };
    signal.windows(excerpt.len()).map(correlation).collect()
}

/// The inner product of two signals of equal length, and the energy of the second.
fn product_and_energy(a: &[f32], b: &[f32]) -> (f32, f32) {
    a.iter().zip(b).fold((0.0, 0.0), |(product, energy), (a, b)| (product + a * b, energy + b * b))
}

fn largest(values: &[f64]) -> Option<usize> {
    (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b]))
}

/// Offset from `peak` to the vertex of the parabola through it and its neighbours, in samples.
fn summit(values: &[f64], peak: usize) -> f64 {
    let neighbours = peak.checked_sub(1).and_then(|before| Some((values[before], values.get(peak + 1)?)));
    let Some((before, after)) = neighbours else { return 0.0 };
    let curvature = before - 2.0 * values[peak] + after;
    if curvature < 0.0 { 0.5 * (before - after) / curvature } else { 0.0 }
}

#[test]
fn locate_is_accurate_to_a_fraction_of_a_sample() {
    let rate = 48_000;
    let source = super::source::synthesize(rate, 0);
    let at = 123_457;
    let found = locate(&source[at..at + 9_600], &source, 120_000.0, rate).unwrap();
    assert!((found - at as f64).abs() < 0.01, "{found}");
    let between: Vec<f32> =
        source[at..at + 9_601].windows(2).map(|pair| f32::midpoint(pair[0], pair[1])).collect();
    let found = locate(&between, &source, 124_000.0, rate).unwrap();
    assert!((found - (at as f64 + 0.5)).abs() < 0.05, "{found}");
    assert!(locate(&vec![0.0; 9_600], &source, 120_000.0, rate).is_none());
    assert!(locate(&super::source::synthesize(rate, 1)[..9_600], &source, 120_000.0, rate).is_none());
}
