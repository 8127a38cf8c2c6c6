//! Recordings of any length, read in parts.

use std::convert::Infallible;

use crate::{MAX_QUERY_SAMPLES, MIN_QUERY_SAMPLES};

/// Mono samples at [`crate::RATE`] Hz that can be read anywhere.
pub trait Samples {
    /// Why samples cannot be read.
    type Error;

    /// Number of samples.
    fn len(&self) -> u64;

    /// Is there no sample?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `out` with the samples from `start` on; outside the recording, they are 0.
    ///
    /// # Errors
    /// When the recording cannot be read.
    fn read(&mut self, start: i64, out: &mut [f32]) -> Result<(), Self::Error>;
}

impl Samples for &[f32] {
    type Error = Infallible;

    fn len(&self) -> u64 {
        <[f32]>::len(self) as u64
    }

    fn read(&mut self, start: i64, out: &mut [f32]) -> Result<(), Infallible> {
        for (index, sample) in (start..).zip(out) {
            *sample = usize::try_from(index).ok().and_then(|index| self.get(index)).copied().unwrap_or(0.0);
        }
        Ok(())
    }
}

/// Reads the sources that matches name.
pub trait Sources {
    /// Why samples cannot be read.
    type Error;

    /// Fills `out` with the samples of a source from `start` on (mono, [`crate::RATE`] Hz); outside, they are 0.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn read(&mut self, source: i64, start: i64, out: &mut [f32]) -> Result<(), Self::Error>;
}

/// `count` samples from `start` on.
pub(crate) fn part<S: Samples>(samples: &mut S, start: i64, count: usize) -> Result<Vec<f32>, S::Error> {
    let mut part = vec![0.0; count];
    samples.read(start, &mut part)?;
    Ok(part)
}

/// Distance of the starts of blocks: a second less than a block, so that no match is short in both.
const BLOCK_HOP: usize = MAX_QUERY_SAMPLES - 16_000;

/// Ranges of samples in which a recording of `samples` samples is searched: of 10 s, 1 s of it in common with the next.
pub fn blocks(samples: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    let starts = (0..).step_by(BLOCK_HOP).take_while(move |start| {
        *start == 0 || start + (MAX_QUERY_SAMPLES - BLOCK_HOP) as u64 + (MIN_QUERY_SAMPLES as u64) <= samples
    });
    starts.map(move |start| start..samples.min(start + MAX_QUERY_SAMPLES as u64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blocks_cover_all_but_an_end_too_short_for_a_query(samples in 0u64..2_000_000) {
            let mut end = 0;
            for block in blocks(samples) {
                prop_assert!(block.start <= end && block.end <= samples);
                prop_assert!((block.end - block.start) as usize <= MAX_QUERY_SAMPLES);
                end = block.end;
            }
            prop_assert!(samples - end < MIN_QUERY_SAMPLES as u64, "{samples} {end}");
        }
    }

    #[test]
    fn slices_are_zero_outside() {
        let samples: &[f32] = &[1.0, 2.0];
        assert_eq!(part(&mut { samples }, -1, 4).unwrap(), [0.0, 1.0, 2.0, 0.0]);
    }
}
