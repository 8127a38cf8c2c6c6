//! The service: finds the audio of a request, searches for it and registers what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;

use audio_fingerprint::FINGERPRINT_VERSION;
use audio_signal::rounded;
use audio_to_video_origin::{NewOriginMap, OriginMap, VideoOrigins};
use blob_store::BlobWriter;
use http_kit::RequestContext;
use media_decode::MediaInput;
use media_time::limits::LENGTH_TOLERANCE;
use media_time::{AssetTime, MediaTime, Window};
use media_v2::MediaService;
use primitives::{Id, Scope};
use scheduling::{Cancellation, WorkProgress, WorkQueue, begin_heavy_work};
use tokio::runtime::Handle;

use crate::candidate::Located;
use crate::model::{Identification, IdentifyRequest, NotRegistered, Searched, SourceMatch};
use crate::query::{self, QueryOptions};
use crate::recording::scratch_file;
use crate::search::StoredIndex;
use crate::search_job::{SearchJob, SearchResult};
use crate::store::{self, SourceRow};
use crate::{Error, VERSION};

/// Recordings of the same bytes that are reported.
const MAX_TWINS: usize = 100;
/// Difference of a speed or pitch from 1 that an origin map neglects: 1 ms in a second.
const SAME_SPEED: f64 = 0.001;

/// Identifies audio in the recordings of an owner. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identify(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    media: MediaService,
    origins: VideoOrigins,
    queue: WorkQueue,
}

/// What a search is for.
struct Target {
    input: MediaInput,
    options: QueryOptions,
    /// Assets with the bytes of the query.
    same_bytes: Vec<Id>,
    /// Whether the search needs no job.
    is_light: bool,
}

impl Identify {
    /// Creates the service; `queue` bounds how many recordings are decoded at the same time.
    #[must_use]
    pub fn new(media: MediaService, origins: VideoOrigins, queue: WorkQueue) -> Self {
        Self(Arc::new(Inner { media, origins, queue }))
    }

    pub(crate) fn media(&self) -> &MediaService {
        &self.0.media
    }

    /// Finds the places where the audio of an asset or artifact occurs.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn identify(
        &self,
        context: &RequestContext,
        request: &IdentifyRequest,
    ) -> Result<Identification, Error> {
        let options = request.options()?;
        let scope = &context.scope;
        let source = query::find(&self.0.media, scope, request).await?;
        let is_light = options.is_light(source.duration());
        if !is_light {
            begin_heavy_work()?;
        }
        let mut same_bytes = self.same_bytes(scope, source.sha256()).await?;
        let own = source.asset_id().cloned();
        same_bytes.extend(own.clone().filter(|own| !same_bytes.contains(own)));
        let input = source.open(&self.0.media).await?;
        let target = Target { input, options, same_bytes, is_light };
        let (mut identified, duration) = self.search(scope, target, own.as_ref()).await?;
        if let Some(artifact_id) = request.artifact_id.as_ref().filter(|_| request.register) {
            match self.register(scope, artifact_id, &identified.matches, duration).await? {
                Ok(map) => identified.origin_map = Some(map),
                Err(reason) => identified.not_registered = Some(reason),
            }
        }
        Ok(identified)
    }

    /// Finds the places where the audio of a file occurs, which is removed afterwards.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn identify_upload(
        &self,
        scope: &Scope,
        upload: BlobWriter,
        options: QueryOptions,
    ) -> Result<Identification, Error> {
        let path = upload.staged_path()?.to_path_buf();
        let file = File::open(path).map_err(Error::Scratch)?;
        let same_bytes = self.same_bytes(scope, Some(&upload.id()?.to_hex())).await?;
        let input = MediaInput::new(file, self.0.media.decoders().clone());
        let target = Target { input, options, same_bytes, is_light: true };
        let (identified, _) = self.search(scope, target, None).await?;
        // The search has finished with the staged file.
        drop(upload);
        Ok(identified)
    }

    /// The assets of this owner with these bytes, at most [`MAX_TWINS`] and the query's own.
    async fn same_bytes(&self, scope: &Scope, sha256: Option<&str>) -> Result<Vec<Id>, Error> {
        let Some(sha256) = sha256 else { return Ok(Vec::new()) };
        let mut conn = self.0.media.pool().acquire().await?;
        Ok(store::find_twins(&mut conn, scope, sha256, MAX_TWINS + 1).await?)
    }

    /// The answer without an origin map, and the duration of the query. `own` is the asset of the query itself.
    async fn search(
        &self,
        scope: &Scope,
        target: Target,
        own: Option<&Id>,
    ) -> Result<(Identification, MediaTime), Error> {
        let Target { input, options, same_bytes, is_light } = target;
        let start = options.start;
        let twins: Vec<Id> =
            same_bytes.iter().filter(|id| Some(*id) != own).take(MAX_TWINS).cloned().collect();
        let file = scratch_file(&self.0.media).await?;
        let pool = self.0.media.pool().clone();
        let index = StoredIndex { runtime: Handle::current(), pool, scope: scope.clone() };
        let (media, progress) = (self.0.media.clone(), WorkProgress::current());
        let job = SearchJob { index, media, options, same_bytes, progress };
        let work = move |cancellation: &Cancellation| job.run(&input, file, &|| cancellation.is_cancelled());
        let found = if is_light { self.0.queue.run_now(work).await } else { self.0.queue.run(work).await };
        let SearchResult { located, sources, duration } = found??;
        let window = Window::starting_at(start, duration);
        let mut matches: Vec<SourceMatch> = twins.into_iter().map(|id| twin(id, window)).collect();
        matches.extend(
            located.iter().filter_map(|place| source_match(place, sources.get(&place.found.source_id)?)),
        );
        matches.sort_by(|a, b| {
            b.confidence
                .total_cmp(&a.confidence)
                .then_with(|| a.asset_id.cmp(&b.asset_id))
                .then_with(|| (a.source_start, a.query_start).cmp(&(b.source_start, b.query_start)))
        });
        metrics::counter!("identify_requests_total", "found" => (!matches.is_empty()).to_string())
            .increment(1);
        let searched = self.searched(scope).await?;
        Ok((Identification { matches, searched, origin_map: None, not_registered: None }, duration))
    }

    async fn searched(&self, scope: &Scope) -> Result<Searched, Error> {
        let mut conn = self.0.media.pool().acquire().await?;
        let figures = store::figures(&mut conn, scope).await?;
        Ok(Searched {
            assets: figures.assets,
            indexed_assets: figures.indexed_assets,
            indexed: figures.indexed,
            fingerprint_version: FINGERPRINT_VERSION,
        })
    }

    /// Stores the place of the first match that an origin map can express, if the artifact has no other map.
    async fn register(
        &self,
        scope: &Scope,
        artifact_id: &Id,
        matches: &[SourceMatch],
        duration: MediaTime,
    ) -> Result<Result<OriginMap, NotRegistered>, Error> {
        let lengths = self.lengths(scope, matches).await?;
        let mut reason = NotRegistered::NoMatch;
        // A recording of the same bytes is the artifact itself, registered as an asset: only if it is in no other one.
        let (twins, places): (Vec<&SourceMatch>, Vec<&SourceMatch>) =
            matches.iter().partition(|one| one.twin);
        for found in places.into_iter().chain(twins) {
            let is_changed = |ratio: f64| (ratio - 1.0).abs() > SAME_SPEED;
            let query = found.query_end - found.query_start;
            if query + query < duration {
                reason = reason.max(NotRegistered::Partial);
                continue;
            }
            if is_changed(found.speed) || is_changed(found.pitch) {
                reason = reason.max(NotRegistered::SpeedChanged);
                continue;
            }
            let length = lengths.get(&found.asset_id).copied();
            let Some(window) = whole_window(found, duration, length) else {
                reason = reason.max(NotRegistered::Partial);
                continue;
            };
            let map = NewOriginMap::new(artifact_id.clone(), found.asset_id.clone(), window);
            let stored = self.0.origins.put_found_origin_map(scope, &map, VERSION).await?;
            return Ok(stored.ok_or(NotRegistered::AlreadyMapped));
        }
        Ok(Err(reason))
    }

    /// The declared durations of the recordings of matches, where known.
    async fn lengths(
        &self,
        scope: &Scope,
        matches: &[SourceMatch],
    ) -> Result<BTreeMap<Id, MediaTime>, Error> {
        let ids: BTreeSet<Id> = matches.iter().map(|found| found.asset_id.clone()).collect();
        let ids: Vec<Id> = ids.into_iter().collect();
        let mut conn = self.0.media.pool().acquire().await?;
        let found = media_v2::store::find_assets(&mut conn, scope, &ids).await?;
        Ok(found.into_iter().filter_map(|asset| Some((asset.id, asset.duration?))).collect())
    }
}

/// The window of a recording that an artifact of this duration has, of which a match is a part; `None` if it exceeds the
/// recording by more than a decoder's rounding.
fn whole_window(
    found: &SourceMatch,
    duration: MediaTime,
    length: Option<MediaTime>,
) -> Option<Window<AssetTime>> {
    let start = found.source_start.since_zero() - found.query_start;
    let end = length.map_or(start + duration, |length| (start + duration).min(length));
    let is_inside = start >= -LENGTH_TOLERANCE && start + duration <= end + LENGTH_TOLERANCE;
    let start = start.max(MediaTime::ZERO);
    (is_inside && start < end).then(|| Window::starting_at(AssetTime::at(start), end - start))
}

/// The place of the query in a recording of the same bytes.
fn twin(asset_id: Id, window: Window<MediaTime>) -> SourceMatch {
    SourceMatch {
        asset_id,
        source_start: AssetTime::at(window.start()),
        source_end: AssetTime::at(window.end()),
        query_start: window.start(),
        query_end: window.end(),
        speed: 1.0,
        pitch: 1.0,
        gain_db: Some(0.0),
        score: None,
        confidence: 1.0,
        twin: true,
    }
}

/// A place as on the wire, within its recording.
fn source_match(place: &Located, source: &SourceRow) -> Option<SourceMatch> {
    let Located { found, gain_db } = place;
    // Peaks at the edges may be a frame outside.
    let early = (-found.source.start()).max(MediaTime::ZERO);
    let (start, end) = (found.source.start() + early, found.source.end().min(source.duration));
    let query_start = found.query.start() + MediaTime::from_secs_f64(early.as_secs_f64() / found.speed);
    (start < end && query_start < found.query.end()).then(|| SourceMatch {
        asset_id: source.asset_id.clone(),
        source_start: AssetTime::at(start),
        source_end: AssetTime::at(end),
        query_start,
        query_end: found.query.end(),
        speed: rounded(found.speed, 6),
        // Samples that correlate have the pitch of their speed.
        pitch: rounded(if gain_db.is_some() { found.speed } else { found.pitch }, 6),
        gain_db: gain_db.map(|gain| rounded(gain, 2)),
        score: Some(found.score),
        confidence: found.confidence,
        twin: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> MediaTime {
        MediaTime::from_millis(ms)
    }

    fn found(source_ms: i64, query_ms: i64) -> SourceMatch {
        let window = Window::starting_at(ms(query_ms), ms(1_000));
        SourceMatch {
            source_start: AssetTime::from_millis(source_ms),
            source_end: AssetTime::from_millis(source_ms + 1_000),
            twin: false,
            ..twin("film".parse().unwrap(), window)
        }
    }

    #[test]
    fn origin_map_has_the_whole_artifact_within_its_recording() {
        let window = |found: &SourceMatch, length| {
            let window = whole_window(found, ms(1_500), length)?;
            Some((window.start().since_zero().as_millis_round(), window.end().since_zero().as_millis_round()))
        };
        assert_eq!(window(&found(5_200, 200), Some(ms(60_000))), Some((5_000, 6_500)));
        assert_eq!(window(&found(5_200, 200), None), Some((5_000, 6_500)));
        assert_eq!(window(&found(190, 200), None), Some((0, 1_490)), "within the rounding");
        assert_eq!(window(&found(5_200, 200), Some(ms(6_450))), Some((5_000, 6_450)));
        assert_eq!(window(&found(50, 200), None), None, "begins before the recording");
        assert_eq!(window(&found(5_200, 200), Some(ms(6_000))), None, "ends after it");
    }

    #[test]
    fn places_are_cut_to_their_recording() {
        let source = SourceRow { id: 1, asset_id: "film".parse().unwrap(), duration: ms(3_000) };
        let place = |start_ms: i64| Located {
            found: audio_fingerprint::Match {
                source_id: 1,
                query: Window::starting_at(ms(0), ms(1_000)),
                source: Window::starting_at(ms(start_ms), ms(1_000)),
                speed: 1.0,
                pitch: 1.0,
                score: 9,
                expected_by_chance: 0.0,
                confidence: 1.0,
            },
            gain_db: Some(-6.054),
        };
        let cut = source_match(&place(-16), &source).unwrap();
        assert_eq!((cut.source_start, cut.query_start), (AssetTime::ZERO, ms(16)));
        assert_eq!(cut.gain_db, Some(-6.05));
        let cut = source_match(&place(2_500), &source).unwrap();
        assert_eq!(cut.source_end, AssetTime::from_millis(3_000));
        assert!(source_match(&place(3_000), &source).is_none());
    }
}
