//! Confirms candidates by the samples of their sources, each of which is decoded once, as far as candidates require.

use std::ops::{ControlFlow, Range};

use audio_fingerprint::{Samples as _, confirm_in, confirmation_window};
use audio_signal::{Control, read_mono};
use media_decode::MediaInput;

use crate::Error;
use crate::candidate::Candidate;
use crate::recording::DecodedAudio;

/// The latest decoded samples of a recording, as far back as they are needed.
#[derive(Default)]
struct Excerpt {
    samples: Vec<f32>,
    /// Position of the first one.
    start: i64,
}

impl Excerpt {
    fn end(&self) -> i64 {
        self.start + self.samples.len() as i64
    }

    /// Drops the samples before a position.
    fn drop_before(&mut self, position: i64) {
        // Within `samples`.
        let passed = (position - self.start).clamp(0, self.samples.len() as i64);
        self.samples.drain(..passed as usize);
        self.start += passed;
    }

    /// The samples of a window, 0 where there are none.
    fn window(&self, window: &Range<i64>) -> Vec<f32> {
        let mut samples = vec![0.0; (window.end - window.start).max(0) as usize];
        let (first, end) = (window.start.max(self.start), window.end.min(self.end()));
        if first < end {
            let decoded = &self.samples[(first - self.start) as usize..(end - self.start) as usize];
            samples[(first - window.start) as usize..(end - window.start) as usize].copy_from_slice(decoded);
        }
        samples
    }
}

/// Confirms candidates of one source, whose recording is `input`. `blocks` are those of the query. Blocking.
///
/// # Errors
/// Errors of the recording and of the query's file; [`DecodeError::Cancelled`](media_decode::DecodeError::Cancelled).
pub(crate) fn confirm_source(
    input: &MediaInput,
    query: &mut DecodedAudio,
    blocks: &[Range<u64>],
    candidates: &mut [&mut Candidate],
    cancelled: &dyn Fn() -> bool,
) -> Result<(), Error> {
    let window = |candidate: &Candidate| confirmation_window(&candidate.found, length(blocks, candidate));
    candidates.sort_by_key(|candidate| window(candidate).start);
    let windows: Vec<Range<i64>> = candidates.iter().map(|candidate| window(candidate)).collect();
    // The first `confirmed` ones are done.
    let (mut excerpt, mut confirmed) = (Excerpt::default(), 0);
    let control = Control { cancelled, ..Control::none() };
    read_mono(input.decoder()?, &control, |block| {
        excerpt.samples.extend_from_slice(block);
        while let Some((candidate, window)) = candidates.get_mut(confirmed).zip(windows.get(confirmed)) {
            excerpt.drop_before(window.start);
            if excerpt.end() < window.end {
                return Ok::<_, Error>(ControlFlow::Continue(()));
            }
            confirm(candidate, query, blocks, &excerpt.window(window), window.start)?;
            confirmed += 1;
        }
        Ok(ControlFlow::Break(()))
    })?;
    // The recording ends before the windows of the others do.
    for (candidate, window) in candidates.iter_mut().zip(&windows).skip(confirmed) {
        confirm(candidate, query, blocks, &excerpt.window(window), window.start)?;
    }
    Ok(())
}

/// Confirms a candidate by the samples `source`, the first of which is sample `source_start` of its recording.
fn confirm(
    candidate: &mut Candidate,
    query: &mut DecodedAudio,
    blocks: &[Range<u64>],
    source: &[f32],
    source_start: i64,
) -> Result<(), Error> {
    let mut samples = vec![0.0; length(blocks, candidate)];
    let start = blocks.get(candidate.block).map_or(0, |block| block.start);
    query.read(start.cast_signed(), &mut samples)?;
    (candidate.found, candidate.refinement) =
        confirm_in(&samples, candidate.found, source, source_start, candidate.rivals);
    Ok(())
}

/// The last sample of the source that [`confirm_source`] decodes for a candidate.
pub(crate) fn last_sample(blocks: &[Range<u64>], candidate: &Candidate) -> u64 {
    confirmation_window(&candidate.found, length(blocks, candidate)).end.max(0).cast_unsigned()
}

/// Number of samples of a candidate's block, at most 10 s.
fn length(blocks: &[Range<u64>], candidate: &Candidate) -> usize {
    blocks.get(candidate.block).map_or(0, |block| (block.end - block.start) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_silent_outside_of_what_was_decoded() {
        let mut excerpt = Excerpt { samples: vec![1.0, 2.0, 3.0, 4.0], start: 10 };
        assert_eq!(excerpt.window(&(8..12)), [0.0, 0.0, 1.0, 2.0]);
        excerpt.drop_before(12);
        assert_eq!((excerpt.start, excerpt.end()), (12, 14));
        assert_eq!(excerpt.window(&(11..16)), [0.0, 3.0, 4.0, 0.0, 0.0]);
        excerpt.drop_before(5);
        excerpt.drop_before(99);
        assert_eq!((excerpt.start, excerpt.window(&(20..22))), (14, vec![0.0; 2]));
    }
}
