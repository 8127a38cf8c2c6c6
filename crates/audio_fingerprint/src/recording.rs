//! The search of a recording of any length, in blocks.

use std::ops::ControlFlow;

use media_time::{MediaTime, Window};

use crate::samples::{Samples, Sources, part};
use crate::{
    MAX_QUERY_SAMPLES, Match, Postings, Query, RATE, RecordingError, Refinement, Search, Variation, blocks,
    candidates, confirm, refine,
};

/// Longest part of a match that is refined, in samples: 4 s.
const REFINED: i64 = 4 * RATE as i64;
/// Samples on either side of a match's place in which it is refined: 100 ms.
const MARGIN: i64 = RATE as i64 / 10;
/// Greatest chance of a refined match.
const MAX_CHANCE: f64 = 1e-6;
/// Number of possible hashes: they have 28 bits.
const HASHES: usize = 1 << 28;

/// The hashes of queries: of sources, only landmarks with one of them can be hits. 32 MiB, however many there are.
///
/// So sources can be searched without an index of them: their landmarks are made, filtered and mostly dropped.
#[derive(Clone)]
pub struct HashFilter {
    bits: Vec<u64>,
}

impl HashFilter {
    /// Without a hash.
    #[must_use]
    pub fn new() -> Self {
        Self { bits: vec![0; HASHES / 64] }
    }

    /// Adds the hashes under which a query is searched.
    pub fn add(&mut self, query: &Query, variation: Variation) {
        let mut search = Search::new(query, variation);
        loop {
            for hash in search.batches(usize::MAX).flatten() {
                if let Some(bits) = self.bits.get_mut(*hash as usize / 64) {
                    *bits |= 1u64 << (hash % 64);
                }
            }
            if !search.next_pass() {
                break;
            }
        }
    }

    /// Adds the hashes of all blocks of a recording. Returns the number of blocks that can be searched: those that are
    /// not silent.
    ///
    /// # Errors
    /// When the recording cannot be read.
    pub fn add_recording<Q: Samples>(
        &mut self,
        recording: &mut Q,
        variation: Variation,
    ) -> Result<usize, Q::Error> {
        let mut count = 0;
        for block in blocks(recording.len()) {
            let samples = part(recording, block.start.cast_signed(), (block.end - block.start) as usize)?;
            if let Ok(query) = Query::new(&samples) {
                self.add(&query, variation);
                count += 1;
            }
        }
        Ok(count)
    }

    /// Is `hash` one of them?
    #[must_use]
    pub fn contains(&self, hash: u32) -> bool {
        self.bits.get(hash as usize / 64).is_some_and(|bits| bits >> (hash % 64) & 1 == 1)
    }
}

impl Default for HashFilter {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for HashFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HashFilter").finish_non_exhaustive()
    }
}

/// How a recording is searched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordingSearch {
    /// Differences from the sources that are searched.
    pub variation: Variation,
    /// Least confidence of a match in a block.
    pub min_confidence: f64,
}

/// The places of `recording` in the sources of `index`: each block is searched and its candidates are
/// [confirmed](confirm). Their query times are those of the whole recording; consecutive ones are not yet
/// [joined](crate::link). At most twice [`crate::MAX_CANDIDATES`] for each block; silent blocks have none.
///
/// `progress` is called before each block with the block's start in samples, and can end the search.
///
/// # Errors
/// When the index or samples cannot be read, or `progress` ended the search.
pub fn identify_recording<Q, P, S>(
    recording: &mut Q,
    index: &mut P,
    sources: &mut S,
    search: RecordingSearch,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Vec<Match>, RecordingError<P::Error, S::Error>>
where
    Q: Samples<Error = S::Error>,
    P: Postings,
    S: Sources,
{
    let mut matches = Vec::new();
    for block in blocks(recording.len()) {
        if progress(block.start).is_break() {
            return Err(RecordingError::Cancelled);
        }
        let start = block.start.cast_signed();
        let samples =
            part(recording, start, (block.end - block.start) as usize).map_err(RecordingError::Samples)?;
        let Ok(query) = Query::new(&samples) else { continue };
        let found = candidates(&query, index, search.variation).map_err(RecordingError::Index)?;
        let found =
            confirm(&samples, found, sources, search.min_confidence).map_err(RecordingError::Samples)?;
        let start = MediaTime::from_samples(start, RATE);
        matches.extend(found.into_iter().map(|found| found.later(start)));
    }
    Ok(matches)
}

/// The refinement of the middle of a match.
pub(crate) struct Middle {
    /// Of up to 4 s of the recording, in a part of the source.
    pub(crate) refined: Refinement,
    /// First sample of these 4 s in the recording.
    pub(crate) query_start: i64,
    /// First sample of that part in the source.
    pub(crate) source_start: i64,
}

impl Middle {
    /// Is it confirmed by its correlation in phase?
    pub(crate) fn is_certain(&self) -> bool {
        self.refined.chance <= MAX_CHANCE
    }
}

/// Refines up to 4 s in the middle of a match; `None` if it is silent.
pub(crate) fn refine_middle<Q: Samples, S: Sources<Error = Q::Error>>(
    recording: &mut Q,
    sources: &mut S,
    found: &Match,
) -> Result<Option<Middle>, Q::Error> {
    let (start, end) = (found.query.start().to_samples(RATE), found.query.end().to_samples(RATE));
    let length = (end - start).clamp(RATE as i64 / 4, REFINED);
    let query_start = (start + end - length) / 2;
    let query = part(recording, query_start, length as usize)?;
    let expected = found.source_at(MediaTime::from_samples(query_start, RATE)).to_samples(RATE);
    let source_start = expected - MARGIN;
    let mut source = vec![0.0; (length as f64 * found.speed) as usize + 2 * MARGIN as usize + 64];
    sources.read(found.source_id, source_start, &mut source)?;
    let refined = refine(&query, &source, found.speed);
    Ok(refined.map(|refined| Middle { refined, query_start, source_start }))
}

/// A joined match with its exact place, and its level in the recording relative to the source, in dB: `None` where the
/// samples do not correlate, as after a change of the pitch alone. The place then remains that of the landmarks.
///
/// # Errors
/// When samples cannot be read.
pub fn measure<Q: Samples, S: Sources<Error = Q::Error>>(
    recording: &mut Q,
    sources: &mut S,
    found: Match,
) -> Result<(Match, Option<f64>), Q::Error> {
    let is_confirmed =
        |middle: &Middle| middle.is_certain() && middle.refined.explains(middle.refined.correlation);
    let middle = refine_middle(recording, sources, &found)?.filter(is_confirmed);
    let Some(Middle { refined, query_start, source_start }) = middle else {
        return Ok((found, None));
    };
    // Over several blocks, their places are the better measure of the speed.
    let is_joined = found.query.duration() > MediaTime::from_samples(MAX_QUERY_SAMPLES as i64, RATE);
    let speed = if is_joined { found.speed } else { refined.speed };
    let since = (found.query.start() - MediaTime::from_samples(query_start, RATE)).as_secs_f64();
    let at_middle = (source_start as f64 + refined.source_start) / f64::from(RATE);
    let start = MediaTime::from_secs_f64(at_middle + since * speed);
    let duration = MediaTime::from_secs_f64(found.query.duration().as_secs_f64() * speed);
    let exact = Match { source: Window::starting_at(start, duration), speed, ..found };
    Ok((exact, Some(refined.gain_db)))
}
