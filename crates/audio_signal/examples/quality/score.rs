//! Scores of event lists, as mir_eval computes them.

/// Precision, recall and their harmonic mean over events matched one to one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FMeasure {
    /// Harmonic mean of precision and recall, 0 to 1.
    pub(crate) f: f64,
    /// Fraction of correct events among those found, 0 to 1.
    pub(crate) precision: f64,
    /// Fraction of found events among the true ones, 0 to 1.
    pub(crate) recall: f64,
}

/// The maximum number of pairs of indices into `truth` and `found` (both ascending, in seconds) that are no further
/// apart than `tolerance`.
pub(crate) fn matches(truth: &[f64], found: &[f64], tolerance: f64) -> Vec<(usize, usize)> {
    let (mut t, mut f) = (0, 0);
    let mut pairs = Vec::new();
    // Matching the earliest partner first is optimal, because the tolerance is the same for all events.
    while t < truth.len() && f < found.len() {
        if (truth[t] - found[f]).abs() <= tolerance {
            pairs.push((t, f));
            t += 1;
            f += 1;
        } else if truth[t] < found[f] {
            t += 1;
        } else {
            f += 1;
        }
    }
    pairs
}

/// Agreement of `found` with `truth`; all zero when either is empty (mir_eval's rule).
pub(crate) fn f_measure(truth: &[f64], found: &[f64], tolerance: f64) -> FMeasure {
    let hits = matches(truth, found, tolerance).len() as f64;
    if hits == 0.0 {
        return FMeasure { f: 0.0, precision: 0.0, recall: 0.0 };
    }
    let (precision, recall) = (hits / found.len() as f64, hits / truth.len() as f64);
    FMeasure { f: 2.0 * precision * recall / (precision + recall), precision, recall }
}

/// The median; `None` for an empty slice.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (upper, lower) = (sorted.get(sorted.len() / 2)?, sorted.get((sorted.len() - 1) / 2)?);
    Some(f64::midpoint(*upper, *lower))
}

/// The mean; 0 without values.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}
