//! Confirms candidates by the samples of their sources, each of which is decoded once, as far as candidates require.

use std::ops::Range;

use audio_fingerprint::{Samples as _, confirm_in, confirmation_window};
use media_decode::{DecodeError, MediaInput};

use crate::Error;
use crate::candidate::Candidate;
use crate::recording::{DecodedAudio, MonoStream};

/// Excerpts of a recording, in the order of their starts.
struct Excerpts {
    stream: MonoStream,
    /// Decoded samples from `at` on.
    pending: Vec<f32>,
    at: i64,
    is_open: bool,
}

impl Excerpts {
    fn open(input: &MediaInput) -> Result<Self, Error> {
        Ok(Self { stream: MonoStream::open(input)?, pending: Vec::new(), at: 0, is_open: true })
    }

    /// The samples of a window, 0 outside of the recording. Windows may not start before earlier ones.
    fn read(&mut self, window: &Range<i64>, cancelled: &dyn Fn() -> bool) -> Result<Vec<f32>, Error> {
        loop {
            // Within `pending`.
            let passed = (window.start - self.at).clamp(0, self.pending.len() as i64);
            self.pending.drain(..passed as usize);
            self.at += passed;
            if !self.is_open || self.end() >= window.end {
                break;
            }
            if cancelled() {
                return Err(DecodeError::Cancelled.into());
            }
            self.is_open = self.stream.read_block(&mut self.pending)?;
        }
        let mut samples = vec![0.0; (window.end - window.start).max(0) as usize];
        let (first, end) = (window.start.max(self.at), window.end.min(self.end()));
        if first < end {
            let decoded = &self.pending[(first - self.at) as usize..(end - self.at) as usize];
            samples[(first - window.start) as usize..(end - window.start) as usize].copy_from_slice(decoded);
        }
        Ok(samples)
    }

    fn end(&self) -> i64 {
        self.at + self.pending.len() as i64
    }
}

/// Confirms candidates of one source, whose recording is `input`. `blocks` are those of the query. Blocking.
///
/// # Errors
/// Errors of the recording and of the query's file; [`DecodeError::Cancelled`].
pub(crate) fn confirm_source(
    input: &MediaInput,
    query: &mut DecodedAudio,
    blocks: &[Range<u64>],
    candidates: &mut [&mut Candidate],
    cancelled: &dyn Fn() -> bool,
) -> Result<(), Error> {
    let window = |candidate: &Candidate| confirmation_window(&candidate.found, length(blocks, candidate));
    candidates.sort_by_key(|candidate| window(candidate).start);
    let mut excerpts = Excerpts::open(input)?;
    for candidate in candidates {
        let window = window(candidate);
        let source = excerpts.read(&window, cancelled)?;
        let mut samples = vec![0.0; length(blocks, candidate)];
        let start = blocks.get(candidate.block).map_or(0, |block| block.start);
        query.read(start.cast_signed(), &mut samples)?;
        (candidate.found, candidate.refinement) =
            confirm_in(&samples, candidate.found, &source, window.start, candidate.rivals);
    }
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
