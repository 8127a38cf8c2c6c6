//! The rules: what is looked up, what is run, what is registered.

mod make;
mod parsed;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod voice_tests;
mod voices;

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use audio_signal::{Control, Progress};
use blob_store::BlobId;
use http_kit::{Clock, Flights, Id, RequestContext, Scope, WorkError, WorkProgress, WorkQueue};
use media_decode::DecoderKind;
use media_time::{MediaTime, Window};
use media_v2::{Artifact, AssetDecoder, Content, MediaAsset, MediaError, MediaService};
use video_timeline::{Clip, VideoTimeline};

use self::parsed::ParsedTimelines;
use crate::backend::{Backends, Recording, Selection};
use crate::model::{AnalyzeMeta, AnalyzeRequest, AnalyzeResponse, Summary, TimelineResponse};
use crate::store::{self, TimelineOf};
use crate::summary::Subject;
use crate::{EffectiveParams, Error, slice};

/// The largest stored timeline that is read back, in bytes: ten times that of a day of speech.
const MAX_SUMMARY_BYTES: u64 = 256 << 20;
/// Of a timeline that is no longer chosen.
const STALE: &str = "made by an earlier decoder that read this kind of file wrongly; analyze makes a new one";
/// A timeline's length is told in whole milliseconds.
const ROUNDING: MediaTime = MediaTime::from_millis(1);

/// Where artifacts are from: another slice's knowledge.
#[async_trait::async_trait]
pub trait ArtifactOrigins: fmt::Debug + Send + Sync {
    /// When the sound of an artifact starts in the time of an asset; `None` when it is from elsewhere, or from several
    /// places there.
    ///
    /// # Errors
    /// The database's.
    async fn start_in(
        &self,
        scope: &Scope,
        artifact_id: &Id,
        asset_id: &Id,
    ) -> Result<Option<MediaTime>, Error>;
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
    flights: Flights,
    parsed: ParsedTimelines,
    clock: Arc<dyn Clock>,
}

/// What an analysis is made of.
pub(crate) enum Sound {
    Asset(MediaAsset),
    Artifact(Artifact),
}

impl Sound {
    fn content(&self) -> Content<'_> {
        match self {
            Self::Asset(asset) => asset.content(),
            Self::Artifact(artifact) => artifact.content(),
        }
    }
}

/// A timeline with its row.
struct StoredTimeline {
    artifact: Artifact,
    summary: Arc<Summary>,
}

impl StoredTimeline {
    fn whole(self) -> TimelineResponse {
        let summary = Summary::clone(&self.summary);
        self.with(summary)
    }

    /// As it is answered, with `summary` in place of the stored one.
    fn with(self, summary: Summary) -> TimelineResponse {
        let Artifact { id, uri, meta, .. } = self.artifact;
        TimelineResponse { artifact_id: id, uri, summary, artifact_meta: meta }
    }
}

impl SemanticTimelines {
    /// `queue` bounds how many analyses run at once.
    #[must_use]
    pub fn new(
        media: MediaService,
        timeline: Arc<dyn VideoTimeline>,
        origins: Arc<dyn ArtifactOrigins>,
        backends: Backends,
        queue: WorkQueue,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let flights = Flights::new(media.pool().clone());
        let parsed = ParsedTimelines::default();
        Self(Arc::new(Inner { media, timeline, origins, backends, queue, flights, parsed, clock }))
    }

    /// The backend that would run now.
    ///
    /// # Errors
    /// [`Error::BackendUnavailable`].
    pub async fn selection(&self) -> Result<Selection, Error> {
        let backends = self.0.backends.clone();
        let selected = tokio::task::spawn_blocking(move || backends.select()).await;
        selected.map_err(|source| WorkError::Broken { queue: "model", source })?
    }

    /// The backend with the speech model of that name in the model directory; the configured model without a name.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`]; [`Error::BackendUnavailable`] where words are not configured or the model cannot run.
    pub(crate) async fn speech_selection(&self, model: Option<String>) -> Result<Selection, Error> {
        let backends = self.0.backends.clone();
        let selected = tokio::task::spawn_blocking(move || backends.select_speech(model.as_deref())).await;
        selected.map_err(|source| WorkError::Broken { queue: "model", source })?
    }

    /// Runs `work` with the analyses, within their bound.
    pub(crate) async fn run_analysis<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Control<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let watched = WorkProgress::current();
        let running = self.0.queue.run(move |cancellation| {
            let report = |progress: Progress| watched.report("analysing", done(&progress));
            work(&Control { progress: &report, cancelled: &|| cancellation.is_cancelled() })
        });
        running.await?
    }

    /// The backend that would run for these parameters now.
    ///
    /// # Errors
    /// [`Error::BackendUnavailable`].
    pub(crate) async fn selection_for(&self, params: &EffectiveParams) -> Result<Selection, Error> {
        let (backends, params) = (self.0.backends.clone(), params.clone());
        let selected = tokio::task::spawn_blocking(move || backends.select_for(&params)).await;
        selected.map_err(|source| WorkError::Broken { queue: "model", source })?
    }

    /// Analyses a recording, or finds the timeline of an identical earlier request.
    ///
    /// # Errors
    /// See [`Error`].
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
        // The timeline may have been made for another request: why *this* one got it is told here.
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
        let subject = Subject::new(context, asset_id.clone(), artifact_id.clone(), params, selection)?;
        let sound = self.sound(&context.scope, &asset_id, artifact_id.as_ref()).await?;
        let audio_stream = subject.params.audio_stream;
        let subject = subject.with_mark(&self.mark(&sound, audio_stream, selection).await?);
        let (artifact, cache_hit) = self.find_or_make(&context.scope, &subject, selection, &sound).await?;
        metrics::counter!("semantic_timeline_requests_total", "cache_hit" => cache_hit.to_string())
            .increment(1);
        Ok((artifact, cache_hit))
    }

    /// The timeline of an artifact id; `artifact_meta.stale` says where it was made with a decoder that reads its
    /// recording wrongly.
    ///
    /// # Errors
    /// [`Error::SemanticsNotFound`] for an id of nothing, or of another kind of artifact.
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

    /// Has the asset probed again where an older prober measured it, so that its decoder is known.
    async fn reprobe(&self, scope: &Scope, asset_id: &Id) -> Result<(), Error> {
        match self.0.media.asset(scope, asset_id).await {
            // A remote timeline, or a timeline that a caller registered, may name what is not there.
            Ok(_) | Err(MediaError::AssetsNotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The timeline of an artifact id, as stored.
    async fn stored(&self, scope: &Scope, artifact_id: &Id) -> Result<StoredTimeline, Error> {
        let not_found = || Error::SemanticsNotFound(format!("there is no semantic timeline {artifact_id}"));
        let artifact = {
            let mut conn = self.0.media.pool().acquire().await?;
            media_v2::store::find_artifact(&mut conn, scope, artifact_id).await?
        };
        let artifact = artifact
            .filter(|artifact| artifact.kind == media_v2::ArtifactKind::AudioSemanticTimeline)
            .ok_or_else(not_found)?;
        let summary = self.read(&artifact).await?;
        Ok(StoredTimeline { artifact, summary })
    }

    /// The timeline of what a clip plays, cut to its window.
    ///
    /// # Errors
    /// The timeline client's; [`Error::SemanticsNotFound`] when nothing was analysed yet.
    pub async fn by_clip(&self, context: &RequestContext, clip_id: &Id) -> Result<TimelineResponse, Error> {
        let clip = self.0.timeline.get_clip(context, clip_id).await?;
        self.reprobe(&context.scope, &clip.asset_id).await?;
        let window = Window::starting_at(clip.in_ms, clip.out_ms - clip.in_ms);
        let Some((stored, start)) = self.of_clip(&context.scope, &clip, window).await? else {
            return Err(self.without_timeline(&context.scope, clip).await?);
        };
        let summary = slice(&stored.summary, start, window, clip.speed);
        self.name_speakers(&context.scope, stored.with(summary)).await
    }

    /// The timeline of a clip, and where it starts in the time of the clip's asset, in which the clip's window is told.
    /// That of an artifact gives way to the asset's own where it does not reach over the window.
    async fn of_clip(
        &self,
        scope: &Scope,
        clip: &Clip,
        window: Window,
    ) -> Result<Option<(StoredTimeline, MediaTime)>, Error> {
        let of = |artifact_id| TimelineOf { asset_id: clip.asset_id.clone(), artifact_id };
        let wanted = [of(clip.artifact_id.clone()), of(None)];
        let found = {
            let mut conn = self.0.media.pool().acquire().await?;
            store::find_timelines(&mut conn, scope, &wanted).await?
        };
        let [Some(of_clip), of_asset] = found.as_slice() else { return Ok(None) };
        let response = self.stored(scope, of_clip).await?;
        let Some(sound) = &response.summary.artifact_id else {
            return Ok(Some((response, MediaTime::ZERO)));
        };
        let start = self.0.origins.start_in(scope, sound, &clip.asset_id).await?;
        let duration = MediaTime::from_millis(response.summary.duration_ms);
        let part = start.map(|start| Window::starting_at(start, duration + ROUNDING));
        match (part, of_asset) {
            (Some(part), _) if part.intersect(window) == Some(window) => Ok(Some((response, part.start()))),
            (_, Some(of_asset)) => Ok(Some((self.stored(scope, of_asset).await?, MediaTime::ZERO))),
            (Some(part), None) if part.intersect(window).is_some() => Ok(Some((response, part.start()))),
            _ => Ok(None),
        }
    }

    /// Why a clip has no timeline.
    async fn without_timeline(&self, scope: &Scope, clip: Clip) -> Result<Error, Error> {
        let (clip_id, asset_id) = (clip.id, clip.asset_id);
        let mut conn = self.0.media.pool().acquire().await?;
        let assets = std::slice::from_ref(&asset_id);
        let is_stale = !media_v2::store::wrongly_analysed(&mut conn, scope, assets).await?.is_empty();
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

    /// The asset, or its artifact.
    pub(crate) async fn sound(
        &self,
        scope: &Scope,
        asset_id: &Id,
        artifact_id: Option<&Id>,
    ) -> Result<Sound, Error> {
        let asset = self.0.media.recording(scope, asset_id).await?;
        let Some(artifact_id) = artifact_id else { return Ok(Sound::Asset(asset)) };
        let artifact = self.0.media.artifact(scope, artifact_id).await?;
        if artifact.parent_asset_id != *asset_id {
            let (artifact_id, asset_id) = (artifact_id.clone(), asset_id.clone());
            return Err(Error::ArtifactOfAnotherAsset { artifact_id, asset_id });
        }
        Ok(Sound::Artifact(artifact))
    }

    /// The parsed timeline of an artifact; the last ones read are kept.
    pub(crate) async fn read(&self, artifact: &Artifact) -> Result<Arc<Summary>, Error> {
        // Only a blob is sure to have the same bytes later.
        let blob = BlobId::from_uri(&artifact.uri).ok();
        if let Some(summary) = blob.and_then(|blob| self.0.parsed.get(&blob)) {
            return Ok(summary);
        }
        let reader = self.0.media.open_document(artifact.content()).await?;
        let artifact_id = artifact.id.clone();
        let parsed = tokio::task::spawn_blocking(move || {
            let corrupt = |source| Error::Corrupt { artifact_id: artifact_id.clone(), source };
            let mut text = Vec::new();
            let read = reader.take(MAX_SUMMARY_BYTES).read_to_end(&mut text);
            read.map_err(serde_json::Error::io).map_err(corrupt)?;
            let summary = serde_json::from_slice::<Summary>(&text).map_err(corrupt)?;
            Ok::<_, Error>((Arc::new(summary), text.len()))
        });
        let (summary, text_bytes) =
            parsed.await.map_err(|source| WorkError::Broken { queue: "summary", source })??;
        if let Some(blob) = blob {
            self.0.parsed.insert(blob, summary.clone(), text_bytes);
        }
        Ok(summary)
    }
}

/// The done fraction of an analysis; 0 where the length is not known.
fn done(progress: &Progress) -> f64 {
    let expected = progress.expected_duration.map_or(0.0, MediaTime::as_millis_f64);
    if expected > 0.0 { progress.position.as_millis_f64() / expected } else { 0.0 }
}

/// Analyses a recording that is in no store: the same timeline as [`SemanticTimelines::analyze`]
/// would make of it as `asset_id`. Blocking, and heavy.
///
/// # Errors
/// [`Error::UnsupportedLanguage`], or those of the analysis.
pub fn analyze_recording(
    context: &RequestContext,
    asset_id: Id,
    recording: Recording,
    params: &EffectiveParams,
    selection: &Selection,
    control: &Control<'_>,
) -> Result<Summary, Error> {
    let subject = Subject::new(context, asset_id, None, params.clone(), selection)?;
    let decoder = recording.decoder;
    let measured = selection.backend.analyze(recording, params, control)?;
    let mark = match (&measured.decoder, decoder) {
        (Some(DecoderKind::Ffmpeg(release)), _) => AssetDecoder::ffmpeg_mark(release),
        (Some(DecoderKind::Native), Some(AssetDecoder::Decode2)) => AssetDecoder::DECODE2_MARK.to_owned(),
        _ => String::new(),
    };
    Ok(subject.with_mark(&mark).summary(selection, measured))
}
