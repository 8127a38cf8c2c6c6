//! The heavy part of a call: decodes the query, searches its blocks and confirms what was found. On a worker thread.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::Range;

use audio_fingerprint::{MIN_QUERY_SAMPLES, Match, RATE, Samples as _, blocks};
use media_decode::{DecodeError, MediaInput};
use media_time::MediaTime;
use media_v2::{MediaAsset, MediaService};
use primitives::Id;
use scheduling::{WorkError, WorkProgress};

use crate::Error;
use crate::candidate::{Candidate, Located, candidates, is_own_place, locate};
use crate::query::{Answered, QueryOptions};
use crate::recording::DecodedAudio;
use crate::refinement::{confirm_source, last_sample};
use crate::search::StoredIndex;
use crate::store::{self, SourceRow};

/// Shares of the whole work: decoding the query, then searching; the rest is confirming.
const DECODED: f64 = 0.15;
const SEARCHED: f64 = 0.6;
/// Blocks of a query whose uncertain matches are all confirmed. Of longer queries, whose blocks have about one match by
/// chance each, only those in recordings that also have a certain one.
const THOROUGH_BLOCKS: usize = 3;

type SourcesById = BTreeMap<i64, SourceRow>;

/// The inputs of a search.
pub(crate) struct SearchJob {
    pub(crate) index: StoredIndex,
    pub(crate) media: MediaService,
    pub(crate) options: QueryOptions,
    pub(crate) answered: Answered,
    /// Assets with the bytes of the query: their places at its own time are known.
    pub(crate) same_bytes: Vec<Id>,
    pub(crate) progress: WorkProgress,
}

/// The result of a search.
pub(crate) struct SearchResult {
    /// Query times are those of the query's audio.
    pub(crate) located: Vec<Located>,
    /// The sources of these places.
    pub(crate) sources: SourcesById,
    /// Duration of the query's window.
    pub(crate) duration: MediaTime,
}

impl SearchJob {
    /// Searches for the window of a recording. `file` is empty, for decoded samples. Blocking.
    ///
    /// # Errors
    /// [`Error::QueryTooShort`], [`Error::QueryTooLong`], [`Error::FormTooLong`], [`Error::QuerySilent`],
    /// [`Error::TooManyPostings`]; [`WorkError::Deferred`] if a job has to confirm the matches; errors of the recording, the
    /// files and the database; [`DecodeError::Cancelled`].
    pub(crate) fn run(
        &self,
        input: &MediaInput,
        file: File,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<SearchResult, Error> {
        let decoding = |done: f64| self.progress.report("decoding", DECODED * done);
        let longest = self.answered.max_query();
        let window = self.options.samples(longest);
        let mut query = DecodedAudio::decode(input, file, window, cancelled, &decoding)?;
        let duration = query.duration();
        if query.len() < MIN_QUERY_SAMPLES as u64 {
            return Err(Error::QueryTooShort(duration.as_millis_floor()));
        }
        if duration > longest {
            return Err(self.answered.too_long());
        }
        let blocks: Vec<Range<u64>> = blocks(query.len()).collect();
        let found = self.search(&mut query, &blocks, cancelled)?;
        let (found, sources) = self.with_sources(found, &blocks)?;
        let mut candidates = self.candidates(found);
        self.confirm(&sources, &mut query, &blocks, &mut candidates, cancelled)?;
        let starts: Vec<MediaTime> = blocks.iter().map(|block| self.start_of(block)).collect();
        // Confirming corrects the place and speed of a match: it may be the query's own only now.
        candidates.retain(|candidate| {
            let source = sources.get(&candidate.found.source_id);
            let start = starts.get(candidate.block).copied().unwrap_or_default();
            source.is_none_or(|source| !self.is_itself(&candidate.found, start, source))
        });
        let located = locate(candidates, &starts, self.options.min_confidence);
        Ok(SearchResult { located, sources, duration })
    }

    /// Start of a block in the query's audio.
    fn start_of(&self, block: &Range<u64>) -> MediaTime {
        self.options.start + MediaTime::from_frames(block.start, RATE)
    }

    /// The matches of each block.
    fn search(
        &self,
        query: &mut DecodedAudio,
        blocks: &[Range<u64>],
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<Vec<Match>>, Error> {
        let (mut found, mut is_silent) = (Vec::with_capacity(blocks.len()), true);
        for (index, block) in blocks.iter().enumerate() {
            if cancelled() {
                return Err(DecodeError::Cancelled.into());
            }
            let mut samples = vec![0.0; (block.end - block.start) as usize];
            query.read(block.start.cast_signed(), &mut samples)?;
            let variation = self.options.variation.into();
            let matches = self.index.search(&samples, variation, cancelled)?;
            is_silent &= matches.is_none();
            found.push(matches.unwrap_or_default());
            let done = (index + 1) as f64 / blocks.len() as f64;
            self.progress.report("searching", DECODED + (SEARCHED - DECODED) * done);
        }
        if is_silent { Err(Error::QuerySilent) } else { Ok(found) }
    }

    /// The matches whose source is still in the index, without the place of the query itself, and the sources.
    fn with_sources(
        &self,
        mut found: Vec<Vec<Match>>,
        blocks: &[Range<u64>],
    ) -> Result<(Vec<Vec<Match>>, SourcesById), Error> {
        let ids: BTreeSet<i64> = found.iter().flatten().map(|one| one.source_id).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let rows = if ids.is_empty() {
            Vec::new()
        } else {
            self.index.runtime.block_on(async {
                let mut conn = self.index.pool.acquire().await?;
                store::find_sources(&mut conn, &self.index.scope, &ids).await
            })?
        };
        let sources: SourcesById = rows.into_iter().map(|row| (row.id, row)).collect();
        for (matches, block) in found.iter_mut().zip(blocks) {
            let start = self.start_of(block);
            matches.retain(|one| {
                sources.get(&one.source_id).is_some_and(|source| !self.is_itself(one, start, source))
            });
        }
        Ok((found, sources))
    }

    /// Whether a match of a block is the query's own place, or the same one in a recording of the same bytes.
    fn is_itself(&self, found: &Match, block_start: MediaTime, source: &SourceRow) -> bool {
        self.same_bytes.contains(&source.asset_id) && is_own_place(&found.later(block_start))
    }

    /// The matches of all blocks that are worth confirming.
    fn candidates(&self, found: Vec<Vec<Match>>) -> Vec<Candidate> {
        let is_thorough = found.len() <= THOROUGH_BLOCKS;
        let is_certain = |one: &&Match| one.confidence >= self.options.min_confidence;
        let certain: BTreeSet<i64> =
            found.iter().flatten().filter(is_certain).map(|one| one.source_id).collect();
        let of_block = |(block, mut matches): (usize, Vec<Match>)| {
            matches.retain(|one| is_thorough || certain.contains(&one.source_id));
            candidates(block, matches)
        };
        found.into_iter().enumerate().flat_map(of_block).collect()
    }

    /// Confirms candidates source by source, those with the most certain match first, as far as
    /// [`Answered::max_decoded_samples`] reaches. Further sources, and those that cannot be read, keep their matches as the
    /// landmarks have them.
    fn confirm(
        &self,
        sources: &SourcesById,
        query: &mut DecodedAudio,
        blocks: &[Range<u64>],
        candidates: &mut [Candidate],
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let mut by_source: BTreeMap<i64, Vec<&mut Candidate>> = BTreeMap::new();
        for candidate in candidates {
            by_source.entry(candidate.found.source_id).or_default().push(candidate);
        }
        let mut groups: Vec<(i64, Vec<&mut Candidate>)> = by_source.into_iter().collect();
        groups.sort_by(|(a, first), (b, second)| best(first).total_cmp(&best(second)).then(a.cmp(b)));
        let needed =
            |group: &[&mut Candidate]| group.iter().map(|one| last_sample(blocks, one)).max().unwrap_or(0);
        let limit = self.answered.max_decoded_samples();
        let total = groups.iter().map(|(_, group)| needed(group)).fold(0, u64::saturating_add);
        if self.answered == Answered::AtOnceIfShort && total > limit {
            return Err(WorkError::Deferred.into());
        }
        let asset_id = |id: &i64| sources.get(id).map(|source| &source.asset_id);
        let assets = self.assets(groups.iter().filter_map(|(id, _)| asset_id(id).cloned()).collect())?;
        let (count, mut decoded) = (groups.len(), 0);
        for (index, (id, group)) in groups.iter_mut().enumerate() {
            let Some(asset) = asset_id(id).and_then(|id| assets.get(id)) else { continue };
            let needed = needed(group);
            if needed > limit - decoded {
                continue;
            }
            decoded += needed;
            let confirmed = self
                .index
                .runtime
                .block_on(self.media.open_recording(asset.content()))
                .map_err(Error::from)
                .and_then(|input| confirm_source(&input, query, blocks, group, cancelled));
            match confirmed {
                Err(error) if cancelled() || error.concerns_all() => return Err(error),
                Err(error) => tracing::warn!(%error, asset_id = %asset.id, "matches were not confirmed"),
                Ok(()) => {}
            }
            let done = (index + 1) as f64 / count as f64;
            self.progress.report("confirming", SEARCHED + (1.0 - SEARCHED) * done);
        }
        Ok(())
    }

    fn assets(&self, ids: Vec<Id>) -> Result<BTreeMap<Id, MediaAsset>, Error> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let found = self.index.runtime.block_on(async {
            let mut conn = self.index.pool.acquire().await?;
            Ok::<_, Error>(media_v2::store::find_assets(&mut conn, &self.index.scope, &ids).await?)
        })?;
        Ok(found.into_iter().map(|asset| (asset.id.clone(), asset)).collect())
    }
}

/// The least expected number of chance matches among candidates.
fn best(group: &[&mut Candidate]) -> f64 {
    group.iter().map(|one| one.found.expected_by_chance).fold(f64::INFINITY, f64::min)
}
