//! The probability that a match is chance.

/// Number of peaks that one hit has.
const PEAKS_OF_HIT: f64 = 3.0;
/// Probability that one more peak agrees by chance where some agree already and no other hits are nearby. Peaks of music
/// and speech are not independent: scales, rhythms and formants repeat.
const FURTHER_PEAK: f64 = 0.27;
/// Its increase with the square root of the density of hits.
const BY_DENSITY: f64 = 0.25;
/// Peaks that the other hits of a place bring along, for each hit that a place nearby has on average.
const PEAKS_BY_DENSITY: f64 = 4.0;

/// Expected numbers of chance places, for audio that is unrelated to a library.
///
/// Every hit is a place (a source, an offset, a speed) at which three peaks agree. Each further peak agrees with a
/// probability `q` that increases with the density `d` of hits around the place, on average for a place:
/// `q = 0.27 + 0.25 √d`. So the expected number of places of a search with at least `n` agreeing peaks is
/// `hits × q^(n − 3 − 4 d)`. The constants are an upper bound of what was measured on unrelated recordings; see
/// `docs/fingerprints.md`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NullModel {
    hits: f64,
}

impl NullModel {
    /// Of a search with `hits` hits, under one of `changes` changes of speed or pitch.
    pub(crate) fn new(hits: usize, changes: usize) -> Self {
        Self { hits: hits as f64 * changes as f64 }
    }

    /// Expected number of places with at least `peaks` agreeing peaks and this density.
    pub(crate) fn expected(&self, peaks: usize, density: f64) -> f64 {
        let ratio = (FURTHER_PEAK + BY_DENSITY * density.max(0.0).sqrt()).min(1.0);
        let further = peaks as f64 - PEAKS_OF_HIT - PEAKS_BY_DENSITY * density.max(0.0);
        self.hits * ratio.powf(further.max(0.0))
    }
}

/// Probability that a search has no chance match as good as one of which `expected` are expected by chance.
pub(crate) fn confidence(expected: f64) -> f64 {
    (-expected).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_agreeing_peaks_are_less_probable_and_more_hits_more() {
        let few = NullModel::new(100, 1);
        assert!(few.expected(10, 0.0) < few.expected(9, 0.0));
        assert!(few.expected(10, 0.5) > few.expected(10, 0.0));
        assert!(NullModel::new(1_000, 1).expected(10, 0.0) > few.expected(10, 0.0));
        assert!(NullModel::new(100, 21).expected(10, 0.0) > few.expected(10, 0.0));
        assert!(confidence(few.expected(3, 0.0)) < 1e-9 && confidence(few.expected(20, 0.0)) > 0.999_999);
    }

    #[test]
    fn a_source_that_is_full_of_hits_proves_nothing() {
        assert!(NullModel::new(1_000, 1).expected(50, 10.0) >= 1_000.0);
    }
}
