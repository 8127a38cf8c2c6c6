//! The probability that a match is chance.

/// Number of peaks that one hit has.
const PEAKS_OF_HIT: usize = 3;
/// Probability that one more peak agrees by chance where some agree already. Peaks of music and speech are not
/// independent: scales, rhythms and formants repeat. Measured on unrelated recordings; see `docs/fingerprints.md`.
const FURTHER_PEAK: f64 = 0.22;

/// What is expected of audio that is unrelated to a library.
///
/// Hits are scattered over the places of the library (a source, an offset, a speed), as a Poisson process. A place with
/// one chance hit has three agreeing peaks; each further one agrees with probability [`FURTHER_PEAK`], or because a second
/// independent hit falls on the place. So the expected number of places with `n` agreeing peaks or more is
/// `hits × q^(n − 3)`, where `q = FURTHER_PEAK + hits per place`, at most 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NullModel {
    hits: f64,
    ratio: f64,
}

impl NullModel {
    /// Of `hits` hits under one change, in a library with `places` places.
    pub(crate) fn new(hits: usize, places: f64) -> Self {
        let hits = hits as f64;
        Self { hits, ratio: (FURTHER_PEAK + hits / places.max(1.0)).min(1.0) }
    }

    /// Expected number of places with at least `peaks` agreeing peaks.
    pub(crate) fn expected(&self, peaks: usize) -> f64 {
        self.hits * self.ratio.powi(peaks.saturating_sub(PEAKS_OF_HIT) as i32)
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
        let few = NullModel::new(100, 1e6);
        assert!(few.expected(10) < few.expected(9));
        assert!(NullModel::new(1_000, 1e6).expected(10) > few.expected(10));
        assert!(confidence(few.expected(3)) < 1e-9 && confidence(few.expected(20)) > 0.999_999);
    }

    #[test]
    fn a_library_that_is_full_of_hits_proves_nothing() {
        assert!(NullModel::new(1_000_000, 1e3).expected(50) >= 1.0);
    }
}
