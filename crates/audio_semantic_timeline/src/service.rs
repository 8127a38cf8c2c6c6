//! The service: lookup, analysis and registration of timelines.

#[cfg(test)]
mod correction_tests;
mod corrections;
mod higher_layers;
mod make;
mod parsed;
mod plot;
mod read;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod voice_tests;
mod voices;

use std::sync::Arc;

use audio_signal::{Control, Progress};
use http_kit::RequestContext;
use media_decode::DecoderKind;
use media_v2::{Artifact, AssetDecoder, Content, MediaAsset, MediaService};
use primitives::{Clock, Id, Scope};
use scheduling::{SingleFlight, WorkError, WorkProgress, WorkQueue};
use video_timeline::VideoTimeline;

pub use self::higher_layers::{AnalysedRecording, AnalysisCompanion, ArtifactOrigins};
use self::parsed::ParsedTimelines;
use crate::backend::{Backends, Recording, Selection};
use crate::model::{AnalyzeMeta, AnalyzeRequest, AnalyzeResponse, Summary};
use crate::store::TimelineOf;
use crate::summary::AnalysisKey;
use crate::{EffectiveParams, Error};

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
