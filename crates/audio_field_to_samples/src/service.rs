//! The service: finds stored runs, makes missing ones and registers them.

use std::collections::HashMap;
use std::sync::Arc;

use audio_semantic_timeline::SemanticTimelines;
use http_kit::RequestContext;
use media_decode::DecodeError;
use media_v2::{AssetKind, MediaService};
use primitives::{Clock, Id, Scope};
use scheduling::{SingleFlight, WorkQueue};

use crate::answer::{Answer, detected};
use crate::make::make;
use crate::model::{
    DetectResponse, Detector, HitsRequest, LoopsRequest, PhrasesRequest, Run, SamplesRequest, SamplesResponse,
};
use crate::params::Checks;
use crate::phrases::SpokenWord;
use crate::register::register;
use crate::task::{DetectorJob, DetectorRequest, SampleSource, common_key};
use crate::words::WordSource;
use crate::{Error, store};

/// Detects samples in recordings, cuts them and registers them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FieldToSamples(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    media: MediaService,
    timelines: SemanticTimelines,
    queue: WorkQueue,
    single_flight: SingleFlight,
    clock: Arc<dyn Clock>,
}

impl FieldToSamples {
    /// Creates the service; `queue` bounds the number of recordings processed at the same time.
    #[must_use]
    pub fn new(
        media: MediaService,
        timelines: SemanticTimelines,
        queue: WorkQueue,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let single_flight = SingleFlight::new(media.pool().clone());
        Self(Arc::new(Inner { media, timelines, queue, single_flight, clock }))
    }

    /// Runs the requested detectors. If one fails because its own input is missing, `summary_meta.errors` reports it.
    ///
    /// # Errors
    /// See [`Error`]: errors that concern all detectors.
    pub async fn samples(
        &self,
        context: &RequestContext,
        request: &SamplesRequest,
    ) -> Result<SamplesResponse, Error> {
        let mut checks = Checks::default();
        checks.hits(&request.hit_params);
        checks.loops(&request.loop_params);
        checks.phrases(&request.phrase_params);
        checks.share("/min_quality_score", request.min_quality_score);
        checks.finish()?;
        let scope = &context.scope;
        let source = self.source(scope, &request.asset_id, request.audio_stream).await?;

        let mut answer = Answer::default();
        let mut asks = Vec::new();
        if request.run_hits {
            asks.push(DetectorRequest::Hits(request.hit_params.clone()));
        }
        if request.run_loops {
            asks.push(DetectorRequest::Loops(request.loop_params.clone()));
        }
        if request.run_phrases {
            match WordSource::find(&self.0.media, scope, &source).await {
                Ok(words) => asks.push(DetectorRequest::Phrases(request.phrase_params.clone(), words)),
                Err(error) => answer.add(Detector::Phrases, Err(error))?,
            }
        }
        let named = asks.into_iter();
        let named = named.map(|ask| DetectorJob::new(scope, &source, ask, request.min_quality_score));
        let tasks: Vec<DetectorJob> = named.collect::<Result<_, _>>()?;
        let (runs, cache_hit) = self.find_or_make(scope, &source, &tasks).await?;
        for (task, run) in tasks.iter().zip(runs) {
            answer.add(task.ask.detector(), run)?;
        }
        Ok(answer.summed_up(request, &source.mark, common_key(scope, &source.asset.id, &tasks), cache_hit))
    }

    /// Runs the hit detector only.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn hits(
        &self,
        context: &RequestContext,
        request: &HitsRequest,
    ) -> Result<DetectResponse, Error> {
        let mut checks = Checks::default();
        checks.hits(&request.hit_params);
        checks.share("/min_quality_score", request.min_quality_score);
        checks.finish()?;
        let source = self.source(&context.scope, &request.asset_id, request.audio_stream).await?;
        self.detect(
            context,
            &source,
            DetectorRequest::Hits(request.hit_params.clone()),
            request.min_quality_score,
        )
        .await
    }

    /// Runs the loop detector only.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn loops(
        &self,
        context: &RequestContext,
        request: &LoopsRequest,
    ) -> Result<DetectResponse, Error> {
        let mut checks = Checks::default();
        checks.loops(&request.loop_params);
        checks.share("/min_quality_score", request.min_quality_score);
        checks.finish()?;
        let source = self.source(&context.scope, &request.asset_id, request.audio_stream).await?;
        self.detect(
            context,
            &source,
            DetectorRequest::Loops(request.loop_params.clone()),
            request.min_quality_score,
        )
        .await
    }

    /// Runs the phrase detector only.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn phrases(
        &self,
        context: &RequestContext,
        request: &PhrasesRequest,
    ) -> Result<DetectResponse, Error> {
        let mut checks = Checks::default();
        checks.phrases(&request.phrase_params);
        checks.share("/min_quality_score", request.min_quality_score);
        checks.finish()?;
        let source = self.source(&context.scope, &request.asset_id, request.audio_stream).await?;
        let words = WordSource::find(&self.0.media, &context.scope, &source).await?;
        let ask = DetectorRequest::Phrases(request.phrase_params.clone(), words);
        self.detect(context, &source, ask, request.min_quality_score).await
    }

    async fn detect(
        &self,
        context: &RequestContext,
        source: &SampleSource,
        ask: DetectorRequest,
        min_quality_score: f64,
    ) -> Result<DetectResponse, Error> {
        let task = DetectorJob::new(&context.scope, source, ask, min_quality_score)?;
        let (runs, cache_hit) =
            self.find_or_make(&context.scope, source, std::slice::from_ref(&task)).await?;
        // There is exactly one run.
        let run = runs.into_iter().collect::<Result<Vec<Run>, Error>>()?.pop().unwrap_or_default();
        Ok(detected(&source.asset.id, task, run, cache_hit))
    }

    /// Finds the asset and the mark of its decoder; rejects assets that are known to have no audio.
    async fn source(
        &self,
        scope: &Scope,
        asset_id: &Id,
        audio_stream: Option<u32>,
    ) -> Result<SampleSource, Error> {
        let asset = self.0.media.recording(scope, asset_id).await?;
        if asset.audio_channels == Some(0) {
            let container = asset.codec_info.clone().unwrap_or_else(|| asset.kind.to_string());
            return Err(DecodeError::NoAudioStream { container }.into());
        }
        // The codec was probed when the asset was registered.
        if asset.kind == AssetKind::Other && asset.codec_info.is_none() {
            return Err(DecodeError::Unrecognised("no media container".to_owned()).into());
        }
        let mark = match audio_stream {
            None => self.0.media.decoder_mark(&asset).await?,
            Some(stream) => {
                let decoder = self.0.media.stream_decoder_mark(asset.content(), stream).await?;
                format!("+audio_stream={stream}{decoder}")
            }
        };
        Ok(SampleSource { asset, audio_stream, mark })
    }

    /// Finds or makes the run of each of `tasks`; also returns whether all were stored already. Requests for one
    /// recording are serialised, so that identical work is done once.
    async fn find_or_make(
        &self,
        scope: &Scope,
        source: &SampleSource,
        tasks: &[DetectorJob],
    ) -> Result<(Runs, bool), Error> {
        let all = async || -> Result<Option<Runs>, Error> {
            let mut found = self.find(scope, tasks).await?;
            let run = |task: &DetectorJob| found.remove(&task.cache_key).map(Ok);
            Ok(tasks.iter().map(run).collect())
        };
        let (runs, cache_hit) = match all().await? {
            Some(runs) => (runs, true),
            None => {
                let name = format!("samples|{}|{}|{}", scope.tenant_id, scope.env, source.asset.id);
                self.0
                    .single_flight
                    .get_or_make(&name, all, Box::pin(self.make_missing(scope, source, tasks)))
                    .await?
            }
        };
        metrics::counter!("sample_requests_total", "cache_hit" => cache_hit.to_string()).increment(1);
        Ok((runs, cache_hit))
    }

    async fn find(&self, scope: &Scope, tasks: &[DetectorJob]) -> Result<HashMap<String, Run>, Error> {
        let keys: Vec<String> = tasks.iter().map(|task| task.cache_key.clone()).collect();
        let mut conn = self.0.media.pool().acquire().await?;
        store::find_runs(&mut conn, scope, &keys).await
    }

    /// Makes the runs of those `tasks` that have none.
    async fn make_missing(
        &self,
        scope: &Scope,
        source: &SampleSource,
        tasks: &[DetectorJob],
    ) -> Result<Runs, Error> {
        let mut found = self.find(scope, tasks).await?;
        let mut runs: Vec<_> = tasks.iter().map(|task| found.remove(&task.cache_key).map(Ok)).collect();
        let (mut missing, mut ready) = (Vec::new(), Vec::new());
        for (position, task) in tasks.iter().enumerate() {
            if runs[position].is_some() {
                continue;
            }
            match self.words(scope, task).await {
                Ok(words) => {
                    missing.push(position);
                    ready.push((task.clone(), words));
                }
                Err(error) if error.concerns_one_detector() => runs[position] = Some(Err(error)),
                Err(error) => return Err(error),
            }
        }
        if !ready.is_empty() {
            let stream = source.audio_stream.map(|stream| stream as usize);
            let recording =
                self.0.media.open_recording(source.asset.content()).await?.with_audio_stream(stream);
            let ready = Arc::new(ready);
            let made = make(&self.0.queue, self.0.media.blobs(), recording, ready.clone()).await?;
            let tasks: Vec<&DetectorJob> = ready.iter().map(|(task, _)| task).collect();
            let now = self.0.clock.now();
            let mut transaction = self.0.media.pool().begin().await?;
            let made = register(&mut transaction, scope, now, &source.asset, &tasks, made).await?;
            transaction.commit().await?;
            for (position, run) in missing.into_iter().zip(made) {
                runs[position] = Some(run);
            }
        }
        Ok(runs.into_iter().flatten().collect())
    }

    /// The words for a phrase task; empty for other tasks.
    async fn words(&self, scope: &Scope, task: &DetectorJob) -> Result<Vec<SpokenWord>, Error> {
        match &task.ask {
            DetectorRequest::Phrases(_, source) => source.read(&self.0.media, &self.0.timelines, scope).await,
            DetectorRequest::Hits(_) | DetectorRequest::Loops(_) => Ok(Vec::new()),
        }
    }
}

/// The run or the error of each task, in the order of the tasks.
type Runs = Vec<Result<Run, Error>>;
