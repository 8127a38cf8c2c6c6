//! The service: finds the audio of a request and searches for it.

use std::fs::File;
use std::sync::Arc;

use audio_fingerprint::FINGERPRINT_VERSION;
use audio_signal::rounded;
use audio_to_video_origin::VideoOrigins;
use blob_store::BlobWriter;
use http_kit::RequestContext;
use media_decode::MediaInput;
use media_time::{AssetTime, MediaTime, Window};
use media_v2::MediaService;
use primitives::{Id, Scope};
use scheduling::{Cancellation, WorkProgress, WorkQueue, begin_heavy_work};
use tokio::runtime::Handle;

use crate::Error;
use crate::candidate::Located;
use crate::comparison::check_disk;
use crate::model::{Identification, IdentifyRequest, Searched, SourceMatch};
use crate::query::{self, Answered, QueryOptions};
use crate::recording::scratch_file;
use crate::search::StoredIndex;
use crate::search_job::{SearchJob, SearchResult};
use crate::store::{self, SourceRow};

/// Recordings of the same bytes that are reported.
const MAX_TWINS: usize = 100;

/// Identifies audio in the recordings of an owner. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identify(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    media: MediaService,
    origins: VideoOrigins,
    queue: WorkQueue,
}

/// The query of a search, and its limits.
struct Target {
    input: MediaInput,
    options: QueryOptions,
    /// Assets with the bytes of the query.
    same_bytes: Vec<Id>,
    /// Its declared duration.
    duration: Option<MediaTime>,
    answered: Answered,
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

    pub(crate) fn origins(&self) -> &VideoOrigins {
        &self.0.origins
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
        // Where this call may still become a job, a long query does, and a short one whose matches take long to confirm.
        let answered = match begin_heavy_work() {
            Ok(()) => Answered::Later,
            Err(_) if options.is_light(source.duration()) => Answered::AtOnceIfShort,
            Err(deferred) => return Err(deferred.into()),
        };
        let mut same_bytes = self.same_bytes(scope, source.sha256()).await?;
        let own = source.asset_id().cloned();
        same_bytes.extend(own.clone().filter(|own| !same_bytes.contains(own)));
        let input = source.open(&self.0.media).await?;
        let target = Target { input, options, same_bytes, duration: source.duration(), answered };
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
        let target = Target { input, options, same_bytes, duration: None, answered: Answered::AtOnce };
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
        let Target { input, options, same_bytes, duration, answered } = target;
        check_disk(&self.0.media, options.duration(duration).unwrap_or_default()).await?;
        let start = options.start;
        let twins: Vec<Id> =
            same_bytes.iter().filter(|id| Some(*id) != own).take(MAX_TWINS).cloned().collect();
        let file = scratch_file(&self.0.media).await?;
        let pool = self.0.media.pool().clone();
        let index = StoredIndex { runtime: Handle::current(), pool, scope: scope.clone() };
        let (media, progress) = (self.0.media.clone(), WorkProgress::current());
        let job = SearchJob { index, media, options, answered, same_bytes, progress };
        let work = move |cancellation: &Cancellation| job.run(&input, file, &|| cancellation.is_cancelled());
        let found = self.0.queue.run_now(work).await;
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
}

/// The place of the query in a recording of the same bytes.
pub(crate) fn twin(asset_id: Id, window: Window<MediaTime>) -> SourceMatch {
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
