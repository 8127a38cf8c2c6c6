//! The service: lookups, plans on worker threads, storage.

use std::collections::HashMap;
use std::sync::Arc;

use audio_semantic_timeline::SemanticTimelines;
use audio_to_video_origin::{NewShotList, ShotList, VideoOrigins, VideoShot};
use http_kit::{Problem, RequestContext};
use library::Library;
use media_time::MediaTime;
use media_v2::MediaService;
use primitives::{Id, Scope};
use scheduling::WorkQueue;
use video_timeline::{NewShotListTimeline, ShotListTimeline, ShotListTimelines, VideoTimeline};

use crate::cut_to_music::{self, MusicRule};
use crate::model::{CutToMusic, RemoveSilence, SourceOrder, Supercut};
use crate::pieces::{
    check_starts, distinct, excerpt, found, in_order, music, said, source_windows, sources_of,
    without_silence,
};
use crate::semantics::{Loudness, Rhythm, Speech};
use crate::shots::contiguous;
use crate::{Error, MAX_SHOTS, remove_silence, supercut, timeline};

/// Makes edits, and timelines of shot lists. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Edits {
    media: MediaService,
    semantics: SemanticTimelines,
    shot_lists: VideoOrigins,
    timeline: Arc<dyn VideoTimeline>,
    library: Library,
    queue: WorkQueue,
}

impl Edits {
    /// Creates the service on the services that it uses. `queue` bounds how many edits are planned concurrently.
    #[must_use]
    pub fn new(
        media: MediaService,
        semantics: SemanticTimelines,
        shot_lists: VideoOrigins,
        timeline: Arc<dyn VideoTimeline>,
        library: Library,
        queue: WorkQueue,
    ) -> Self {
        Self { media, semantics, shot_lists, timeline, library, queue }
    }

    pub(crate) fn media(&self) -> &MediaService {
        &self.media
    }

    pub(crate) fn semantics(&self) -> &SemanticTimelines {
        &self.semantics
    }

    /// Makes the shot list of a recording without its silences.
    ///
    /// # Errors
    /// [`Error::SemanticsRequired`], [`Error::Empty`]; `words_not_found` for fillers of a timeline without words;
    /// errors of the stores.
    pub async fn remove_silence(&self, scope: &Scope, request: RemoveSilence) -> Result<ShotList, Error> {
        request.check()?;
        let asset_id = request.asset_id.clone();
        let durations = self.durations(scope, std::slice::from_ref(&asset_id)).await?;
        let timeline = match request.audio_stream {
            None => self.timelines(scope, std::slice::from_ref(&asset_id)).await?.remove(0),
            Some(stream) => self.timeline_of_stream(scope, &asset_id, stream).await?,
        };
        let analysed = self.read(scope, timeline, Speech::of).await?;
        if request.fillers && !analysed.data.is_transcribed {
            return Err(audio_semantic_timeline::Error::WordsNotFound(asset_id).into());
        }
        let duration = durations.get(&asset_id).copied().flatten();
        let upstreams = vec![analysed.artifact_id.clone()];
        let plan = move || {
            let pieces = without_silence(&request, &analysed, duration);
            if pieces.is_empty() { Err(Error::Empty(request.asset_id)) } else { Ok(contiguous(pieces)) }
        };
        self.keep(scope, remove_silence::VERSION, None, upstreams, plan).await
    }

    /// Makes the shot list of windows of the sources, cut at the beats or bars of music.
    ///
    /// # Errors
    /// [`Error::SemanticsRequired`] for the music, and for sources with the order `energy`; [`Error::BeatsRequired`],
    /// [`Error::SourcesTooShort`], [`Error::TooManyShots`]; errors of the stores.
    pub async fn cut_to_music(&self, scope: &Scope, request: CutToMusic) -> Result<ShotList, Error> {
        request.check()?;
        let assets = request.sources.iter().map(|source| &source.asset_id).chain([&request.music_asset_id]);
        let durations = self.durations(scope, &distinct(assets)).await?;
        let windows = source_windows(&request, &durations)?;
        let energy = request.order == SourceOrder::Energy;
        let sources = distinct(request.sources.iter().map(|source| &source.asset_id));
        let sources = if energy { sources } else { Vec::new() };
        let wanted: Vec<Id> =
            std::iter::once(request.music_asset_id.clone()).chain(sources.iter().cloned()).collect();
        let mut timelines = self.timelines(scope, &wanted).await?;
        let upstreams = timelines.clone();
        let rhythm = self.read(scope, timelines.remove(0), Rhythm::of).await?.data;
        let loudness = self.read_all(scope, timelines, Loudness::of_summary).await?;
        let loudness = loudness.into_iter().map(|analysed| analysed.data);
        let loudness: HashMap<Id, Loudness> = sources.into_iter().zip(loudness).collect();
        let music = music(&request, rhythm)?;
        let rule =
            MusicRule { every: request.every, order: request.order, seed: request.seed.unwrap_or_default() };
        let plan = move || cut_to_music::shots(&music, &sources_of(&request, windows, &loudness), rule);
        self.keep(scope, cut_to_music::VERSION, Some(rule.seed), upstreams, plan).await
    }

    /// Makes the shot list of windows, or of all places where a phrase is said.
    ///
    /// # Errors
    /// [`Error::Invalid`] for windows outside their recordings; [`Error::SemanticsRequired`],
    /// [`Error::PhraseNotFound`], [`Error::TooManyShots`]; `words_not_found` for a timeline without words; errors of
    /// the stores.
    pub async fn supercut(&self, scope: &Scope, request: Supercut) -> Result<ShotList, Error> {
        request.check()?;
        let Supercut { windows, q, asset_ids, padding, .. } = request;
        if let Some(windows) = windows {
            let durations = self.durations(scope, &distinct(windows.iter().map(|one| &one.asset_id))).await?;
            check_starts(windows.iter().map(|one| (&one.asset_id, one.start)), "/windows", &durations)?;
            let plan = move || {
                let pieces = windows.into_iter().filter_map(excerpt).collect();
                Ok(contiguous(supercut::padded(pieces, padding, &durations)))
            };
            return self.keep(scope, supercut::VERSION, None, Vec::new(), plan).await;
        }
        let q = q.unwrap_or_default();
        let Some(asset_ids) = asset_ids else { return self.supercut_of_library(scope, q, padding).await };
        let asset_ids = in_order(asset_ids);
        let durations = self.durations(scope, &asset_ids).await?;
        let upstreams = self.spoken_timelines(scope, &asset_ids).await?;
        let speech = self.read_all(scope, upstreams.clone(), Speech::of).await?;
        let silent = speech.iter().zip(&asset_ids).find(|(speech, _)| !speech.data.is_transcribed);
        if let Some((_, asset_id)) = silent {
            return Err(audio_semantic_timeline::Error::WordsNotFound(asset_id.clone()).into());
        }
        let plan = move || {
            let pieces = said(&q, &asset_ids, &speech);
            if pieces.is_empty() {
                return Err(Error::PhraseNotFound(q));
            }
            Ok(contiguous(supercut::padded(pieces, padding, &durations)))
        };
        self.keep(scope, supercut::VERSION, None, upstreams, plan).await
    }

    /// Makes the shot list of all places in the library where a phrase is said, in order of recording and time.
    async fn supercut_of_library(
        &self,
        scope: &Scope,
        q: String,
        padding: MediaTime,
    ) -> Result<ShotList, Error> {
        // One window more than an edit may have shots, each of which has at least one place.
        let most = i64::try_from(MAX_SHOTS).unwrap_or(i64::MAX);
        let places = self.library.places(scope, &q, most + 1).await?;
        if places.len() > MAX_SHOTS {
            return Err(Error::TooManyShots { shots: places.len() });
        }
        let durations = self.durations(scope, &distinct(places.iter().map(|place| &place.asset_id))).await?;
        let upstreams = distinct(places.iter().map(|place| &place.timeline_artifact_id));
        let marks = self.marks(scope, &upstreams).await?;
        let plan = move || {
            let pieces = found(places, &marks);
            if pieces.is_empty() {
                return Err(Error::PhraseNotFound(q));
            }
            Ok(contiguous(supercut::padded(pieces, padding, &durations)))
        };
        self.keep(scope, supercut::VERSION, None, upstreams, plan).await
    }

    /// Plans the shots on a thread of the queue and stores them.
    async fn keep(
        &self,
        scope: &Scope,
        version: &str,
        seed: Option<i64>,
        upstream_artifact_ids: Vec<Id>,
        plan: impl FnOnce() -> Result<Vec<VideoShot>, Error> + Send + 'static,
    ) -> Result<ShotList, Error> {
        let shots = self.queue.run_now(move |_| plan()).await??;
        if shots.len() > MAX_SHOTS {
            return Err(Error::TooManyShots { shots: shots.len() });
        }
        let backend_version = version.to_owned();
        let new = NewShotList { shots, backend_version, seed, upstream_artifact_ids };
        Ok(self.shot_lists.keep_shots(scope, new).await?)
    }

    /// Creates a project with the shots of a stored list.
    ///
    /// # Errors
    /// `shot_list_not_found`; [`Error::TooManyShots`], [`Error::TooManyLayers`]; errors of the timeline client.
    pub async fn timeline(
        &self,
        context: &RequestContext,
        new: NewShotListTimeline,
    ) -> Result<ShotListTimeline, Error> {
        let NewShotListTimeline { shot_list_artifact_id: id, title } = new;
        let list = self.shot_lists.find_shot_list(&context.scope, &id).await?;
        if list.meta.count > MAX_SHOTS {
            return Err(Error::TooManyShots { shots: list.meta.count });
        }
        let shots = self.queue.run_now(move |_| list.shots()).await?;
        let unreadable =
            |source| audio_to_video_origin::Error::ShotListUnreadable { artifact_id: id.clone(), source };
        let shots = shots.map_err(unreadable)?;
        let known = self.known(&context.scope, &shots).await?;
        let planned = self.queue.run_now(move |_| timeline::timeline(&shots, &known, &id, title));
        let timeline = planned.await??;
        let made = self.timeline.create_timeline(context, timeline).await?;
        let further = made.further_tracks.iter().map(|track| track.clips.len());
        Ok(ShotListTimeline {
            track_count: 1 + made.further_tracks.len(),
            clip_count: made.clips.len() + further.sum::<usize>(),
            sequence_id: made.sequence.id,
            project: made.project,
        })
    }
}

#[async_trait::async_trait]
impl ShotListTimelines for Edits {
    async fn create(
        &self,
        context: &RequestContext,
        new: NewShotListTimeline,
    ) -> Result<ShotListTimeline, Problem> {
        Ok(self.timeline(context, new).await?)
    }
}
