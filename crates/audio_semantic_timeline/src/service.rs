//! The service: lookup, analysis and registration of timelines.

#[cfg(test)]
mod correction_tests;
mod corrections;
mod make;
mod parsed;
mod plot;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod voice_tests;
mod voices;

use std::fmt;
use std::sync::Arc;

use audio_fingerprint::Landmark;
use audio_signal::{Control, Progress};
use blob_store::BlobId;
use chrono::{DateTime, Utc};
use http_kit::RequestContext;
use media_decode::DecoderKind;
use media_time::{AssetTime, MediaTime, Window};
use media_v2::{Artifact, AssetDecoder, Content, MediaAsset, MediaError, MediaService};
use primitives::{Clock, Id, Scope};
use scheduling::{SingleFlight, WorkError, WorkProgress, WorkQueue};
use sqlx::PgConnection;
use video_timeline::{Clip, VideoTimeline};

use self::parsed::ParsedTimelines;
use crate::backend::{Backends, Recording, Selection};
use crate::model::{AnalyzeMeta, AnalyzeRequest, AnalyzeResponse, Summary, TimelineResponse};
use crate::store::{self, TimelineOf};
use crate::summary::AnalysisKey;
use crate::{EffectiveParams, Error, slice, stored};

/// Reason for timelines that are no longer selected.
const STALE: &str = "made by an earlier decoder that read this kind of file wrongly; analyze makes a new one";
/// Rounding error of a timeline's duration, which is in whole milliseconds.
const ROUNDING: MediaTime = MediaTime::from_millis(1);

/// Looks up the origins of artifacts, implemented by another engine.
#[async_trait::async_trait]
pub trait ArtifactOrigins: fmt::Debug + Send + Sync {
    /// Start of an artifact's audio in the time of an asset; `None` if it is from another asset, or from several places
    /// in this one.
    ///
    /// # Errors
    /// [`Error::Database`].
    async fn start_in(
        &self,
        scope: &Scope,
        artifact_id: &Id,
        asset_id: &Id,
    ) -> Result<Option<AssetTime>, Error>;
}

/// A recording that was analysed, for [`AnalysisCompanion`].
#[derive(Clone, Copy, Debug)]
pub struct AnalysedRecording<'a> {
    /// The asset, whose default audio stream was analysed.
    pub asset_id: &'a Id,
    /// Duration of the analysed audio.
    pub duration: MediaTime,
    /// Landmarks of the mix, in order of frame and hash.
    pub landmarks: &'a [Landmark],
}

/// Writes what another engine derives from an analysis, in the transaction that registers the timeline. Implemented by a
/// higher layer.
#[async_trait::async_trait]
pub trait AnalysisCompanion: fmt::Debug + Send + Sync {
    /// Runs statements before the transaction, such as those that others wait for.
    ///
    /// # Errors
    /// Database errors.
    async fn prepare(&self, conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<()>;

    /// Runs the statements of the transaction.
    ///
    /// # Errors
    /// Database errors, which roll the registration back.
    async fn register(
        &self,
        conn: &mut PgConnection,
        scope: &Scope,
        now: DateTime<Utc>,
        analysed: AnalysedRecording<'_>,
    ) -> sqlx::Result<()>;
}

/// Makes, finds and cuts timelines. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SemanticTimelines(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    media: MediaService,
    timeline: Arc<dyn VideoTimeline>,
    origins: Arc<dyn ArtifactOrigins>,
    backends: Backends,
    queue: WorkQueue,
    single_flight: SingleFlight,
    parsed: ParsedTimelines,
    clock: Arc<dyn Clock>,
    companion: Option<Arc<dyn AnalysisCompanion>>,
}

/// The input of an analysis.
pub(crate) enum AnalysisInput {
    Asset(MediaAsset),
    Artifact(Artifact),
}

impl AnalysisInput {
    fn content(&self) -> Content<'_> {
        match self {
            Self::Asset(asset) => asset.content(),
            Self::Artifact(artifact) => artifact.content(),
        }
    }
}

/// A timeline and its artifact.
struct StoredTimeline {
    artifact: Artifact,
    summary: Arc<Summary>,
}

impl StoredTimeline {
    fn whole(self) -> TimelineResponse {
        let summary = Summary::clone(&self.summary);
        self.with(summary)
    }

    /// The response, with `summary` instead of the stored one.
    fn with(self, summary: Summary) -> TimelineResponse {
        let Artifact { id, uri, meta, .. } = self.artifact;
        TimelineResponse { artifact_id: id, uri, summary: summary.with_derived(), artifact_meta: meta }
    }
}

impl SemanticTimelines {
    /// Creates the service. `queue` bounds the number of concurrent analyses.
    #[must_use]
    pub fn new(
        media: MediaService,
        timeline: Arc<dyn VideoTimeline>,
        origins: Arc<dyn ArtifactOrigins>,
        backends: Backends,
        queue: WorkQueue,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::with_companion(media, timeline, origins, backends, queue, clock, None)
    }

    /// As [`Self::new`], with the companion of analyses of assets.
    #[must_use]
    pub fn with_companion(
        media: MediaService,
        timeline: Arc<dyn VideoTimeline>,
        origins: Arc<dyn ArtifactOrigins>,
        backends: Backends,
        queue: WorkQueue,
        clock: Arc<dyn Clock>,
        companion: Option<Arc<dyn AnalysisCompanion>>,
    ) -> Self {
        let single_flight = SingleFlight::new(media.pool().clone());
        let parsed = ParsedTimelines::default();
        Self(Arc::new(Inner {
            media,
            timeline,
            origins,
            backends,
            queue,
            single_flight,
            parsed,
            clock,
            companion,
        }))
    }

    /// The backend that currently runs.
    ///
    /// # Errors
    /// [`Error::BackendUnavailable`] if it cannot run and no fallback is allowed.
    pub async fn selection(&self) -> Result<Selection, Error> {
        let backends = self.0.backends.clone();
        let selected = tokio::task::spawn_blocking(move || backends.select()).await;
        selected.map_err(|source| WorkError::Broken { queue: "model", source })?
    }

    /// The transcribing backend with the named model of the model directory, or the configured one.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`]; [`Error::BackendUnavailable`] if transcription is not configured or the model cannot
    /// run.
    pub(crate) async fn speech_selection(&self, model: Option<String>) -> Result<Selection, Error> {
        let backends = self.0.backends.clone();
        let selected = tokio::task::spawn_blocking(move || backends.select_speech(model.as_deref())).await;
        selected.map_err(|source| WorkError::Broken { queue: "model", source })?
    }

    /// Runs `work` on the queue of analyses.
    pub(crate) async fn run_analysis<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Control<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let watched = WorkProgress::current();
        let running = self.0.queue.run(move |cancellation| {
            let report = |progress: Progress| watched.report("analysing", progress.fraction());
            work(&Control { progress: &report, cancelled: &|| cancellation.is_cancelled() })
        });
        running.await?
    }

    /// The backend that currently runs for these parameters.
    ///
    /// # Errors
    /// [`Error::BackendUnavailable`] if it cannot run and no fallback is allowed.
    pub(crate) async fn selection_for(&self, params: &EffectiveParams) -> Result<Selection, Error> {
        let (backends, params) = (self.0.backends.clone(), params.clone());
        let selected = tokio::task::spawn_blocking(move || backends.select_for(&params)).await;
        selected.map_err(|source| WorkError::Broken { queue: "model", source })?
    }

    /// Analyses a recording, or returns the timeline of an identical earlier request.
    ///
    /// # Errors
    /// See [`Error`] for all of them.
    pub async fn analyze(
        &self,
        context: &RequestContext,
        request: &AnalyzeRequest,
    ) -> Result<AnalyzeResponse, Error> {
        let (params, clamped) = EffectiveParams::of(request);
        let selection = self.selection_for(&params).await?;
        let of = TimelineOf { asset_id: request.asset_id.clone(), artifact_id: request.artifact_id.clone() };
        let (artifact, cache_hit) = self.timeline_artifact(context, of, params, &selection).await?;
        let mut meta = artifact.meta;
        // The timeline may have been made for another request, so these values are set for this one.
        meta.insert("requested_backend".to_owned(), selection.requested.as_str().into());
        meta.insert("fallback_reason".to_owned(), selection.fallback_reason.clone().into());
        Ok(AnalyzeResponse {
            audio_semantic_artifact_id: artifact.id,
            uri: artifact.uri,
            meta: AnalyzeMeta { artifact: meta, clamped, cache_hit },
        })
    }

    /// The artifact of a timeline with these parameters, and whether an earlier request made it.
    pub(crate) async fn timeline_artifact(
        &self,
        context: &RequestContext,
        of: TimelineOf,
        params: EffectiveParams,
        selection: &Selection,
    ) -> Result<(Artifact, bool), Error> {
        let TimelineOf { asset_id, artifact_id } = of;
        let key = AnalysisKey::new(context, asset_id.clone(), artifact_id.clone(), params, selection)?;
        let input = self.analysis_input(&context.scope, &asset_id, artifact_id.as_ref()).await?;
        let audio_stream = key.params.audio_stream;
        let key = key.with_mark(&self.mark(&input, audio_stream, selection).await?);
        let (artifact, cache_hit) = self.find_or_make(&context.scope, &key, selection, &input).await?;
        metrics::counter!("semantic_timeline_requests_total", "cache_hit" => cache_hit.to_string())
            .increment(1);
        Ok((artifact, cache_hit))
    }

    /// Returns the timeline of an artifact id; `artifact_meta.stale` is set if its decoder decodes the recording
    /// incorrectly.
    ///
    /// # Errors
    /// [`Error::SemanticsNotFound`] for an unknown id, or another kind of artifact.
    pub async fn get(&self, scope: &Scope, artifact_id: &Id) -> Result<TimelineResponse, Error> {
        let stored = self.stored(scope, artifact_id).await?.whole();
        let mut response = self.name_speakers(scope, stored).await?;
        self.reprobe(scope, &response.summary.asset_id).await?;
        let mut conn = self.0.media.pool().acquire().await?;
        if media_v2::store::is_wrongly_decoded(&mut conn, scope, artifact_id).await? {
            response.artifact_meta.insert("stale".to_owned(), STALE.into());
        }
        Ok(response)
    }

    /// Reprobes the asset if an older prober measured it, so that its decoder is known.
    async fn reprobe(&self, scope: &Scope, asset_id: &Id) -> Result<(), Error> {
        match self.0.media.asset(scope, asset_id).await {
            // A timeline that is remote or was registered by a caller may name an unknown asset.
            Ok(_) | Err(MediaError::AssetsNotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The timeline of an artifact id, as stored.
    async fn stored(&self, scope: &Scope, artifact_id: &Id) -> Result<StoredTimeline, Error> {
        let artifact = stored::find(&self.0.media, scope, artifact_id).await?;
        let summary = self.read(&artifact).await?;
        Ok(StoredTimeline { artifact, summary })
    }

    /// The timeline of a clip's source, cut to the clip's window.
    ///
    /// # Errors
    /// Errors of the timeline client; [`Error::SemanticsNotFound`] if the source was not analysed yet.
    pub async fn by_clip(&self, context: &RequestContext, clip_id: &Id) -> Result<TimelineResponse, Error> {
        let clip = self.0.timeline.get_clip(context, clip_id).await?;
        self.reprobe(&context.scope, &clip.asset_id).await?;
        let window = clip.source();
        let Some((stored, start)) = self.of_clip(&context.scope, &clip, window).await? else {
            return Err(self.without_timeline(&context.scope, clip).await?);
        };
        let summary = slice(&stored.summary, start, window, clip.speed);
        self.name_speakers(&context.scope, stored.with(summary)).await
    }

    /// The timeline of a clip, and its start in the time of the clip's asset, which is also the time of the window. The
    /// asset's own timeline is used if the artifact's does not cover the window.
    async fn of_clip(
        &self,
        scope: &Scope,
        clip: &Clip,
        window: Window<AssetTime>,
    ) -> Result<Option<(StoredTimeline, AssetTime)>, Error> {
        let of = |artifact_id| TimelineOf { asset_id: clip.asset_id.clone(), artifact_id };
        let wanted = [of(clip.artifact_id.clone()), of(None)];
        let found = {
            let mut conn = self.0.media.pool().acquire().await?;
            store::find_timelines(&mut conn, scope, &wanted).await?
        };
        let [Some(of_clip), of_asset] = found.as_slice() else { return Ok(None) };
        let response = self.stored(scope, of_clip).await?;
        let Some(artifact_id) = &response.summary.artifact_id else {
            return Ok(Some((response, AssetTime::ZERO)));
        };
        let start = self.0.origins.start_in(scope, artifact_id, &clip.asset_id).await?;
        let duration = MediaTime::from_millis(response.summary.duration_ms);
        let part = start.map(|start| Window::starting_at(start, duration + ROUNDING));
        match (part, of_asset) {
            (Some(part), _) if part.intersect(window) == Some(window) => Ok(Some((response, part.start()))),
            (_, Some(of_asset)) => Ok(Some((self.stored(scope, of_asset).await?, AssetTime::ZERO))),
            (Some(part), None) if part.intersect(window).is_some() => Ok(Some((response, part.start()))),
            _ => Ok(None),
        }
    }

    /// The error for a clip without a timeline.
    async fn without_timeline(&self, scope: &Scope, clip: Clip) -> Result<Error, Error> {
        let (clip_id, asset_id) = (clip.id, clip.asset_id);
        let mut conn = self.0.media.pool().acquire().await?;
        let assets = std::slice::from_ref(&asset_id);
        let is_stale = !store::wrongly_analysed(&mut conn, scope, assets).await?.is_empty();
        let reason = if is_stale { format!(" (the existing one was {STALE})") } else { String::new() };
        Ok(Error::SemanticsNotFound(format!(
            "clip {clip_id} has no semantic timeline yet{reason}: POST /audio/semantic-timeline/analyze with asset_id \
             {asset_id}"
        )))
    }

    pub(crate) fn queue(&self) -> &WorkQueue {
        &self.0.queue
    }

    pub(crate) fn media(&self) -> &MediaService {
        &self.0.media
    }

    /// The asset, or its artifact if given.
    pub(crate) async fn analysis_input(
        &self,
        scope: &Scope,
        asset_id: &Id,
        artifact_id: Option<&Id>,
    ) -> Result<AnalysisInput, Error> {
        let asset = self.0.media.recording(scope, asset_id).await?;
        let Some(artifact_id) = artifact_id else { return Ok(AnalysisInput::Asset(asset)) };
        let artifact = self.0.media.artifact(scope, artifact_id).await?;
        if artifact.parent_asset_id != *asset_id {
            let (artifact_id, asset_id) = (artifact_id.clone(), asset_id.clone());
            return Err(Error::ArtifactOfAnotherAsset { artifact_id, asset_id });
        }
        Ok(AnalysisInput::Artifact(artifact))
    }

    /// The parsed timeline of an artifact; recently read ones are cached.
    pub(crate) async fn read(&self, artifact: &Artifact) -> Result<Arc<Summary>, Error> {
        // Only a blob is guaranteed to keep the same bytes.
        let blob = BlobId::from_uri(&artifact.uri).ok();
        if let Some(summary) = blob.and_then(|blob| self.0.parsed.get(&blob)) {
            return Ok(summary);
        }
        let (summary, text_bytes) = stored::read(&self.0.media, artifact).await?;
        let summary = Arc::new(summary);
        if let Some(blob) = blob {
            self.0.parsed.insert(blob, summary.clone(), text_bytes);
        }
        Ok(summary)
    }
}

/// Analyses a recording that is not stored, with the same result as [`SemanticTimelines::analyze`] for `asset_id`.
/// Blocks and is expensive.
///
/// # Errors
/// [`Error::UnsupportedLanguage`], or the errors of the analysis.
pub fn analyze_recording(
    context: &RequestContext,
    asset_id: Id,
    recording: Recording,
    params: &EffectiveParams,
    selection: &Selection,
    control: &Control<'_>,
) -> Result<Summary, Error> {
    let key = AnalysisKey::new(context, asset_id, None, params.clone(), selection)?;
    let decoder = recording.decoder;
    let measured = selection.backend.analyze(recording, params, control)?;
    let mark = match (&measured.decoder, decoder) {
        (Some(DecoderKind::Ffmpeg(release)), _) => AssetDecoder::ffmpeg_mark(release),
        (Some(DecoderKind::Native), Some(AssetDecoder::Decode2)) => AssetDecoder::DECODE2_MARK.to_owned(),
        _ => String::new(),
    };
    Ok(key.with_mark(&mark).summary(selection, measured))
}
