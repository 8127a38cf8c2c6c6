//! The rules: what is looked up, what is run, what is registered.

use std::collections::HashMap;
use std::sync::Arc;

use audio_semantic_timeline::SemanticTimelines;
use http_kit::{Boarding, Clock, Flights, Id, RequestContext, Scope, WorkQueue};
use media_decode::DecodeError;
use media_v2::{AssetKind, MediaService};

use crate::answer::{Answer, detected};
use crate::make::make;
use crate::model::{
    DetectResponse, Detector, HitsRequest, LoopsRequest, PhrasesRequest, Run, SamplesRequest, SamplesResponse,
};
use crate::params::Checks;
use crate::phrases::SpokenWord;
use crate::register::register;
use crate::task::{Ask, SampleSource, Task, common_key};
use crate::words::WordSource;
use crate::{Error, store};

/// Finds samples in recordings, cuts them out and registers them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FieldToSamples(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    media: MediaService,
    timelines: SemanticTimelines,
    queue: WorkQueue,
    flights: Flights,
    clock: Arc<dyn Clock>,
}

impl FieldToSamples {
    /// `queue` bounds how many recordings are worked on at once.
    #[must_use]
    pub fn new(
        media: MediaService,
        timelines: SemanticTimelines,
        queue: WorkQueue,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let flights = Flights::new(media.pool().clone());
        Self(Arc::new(Inner { media, timelines, queue, flights, clock }))
    }

    /// Runs the detectors asked for. One that fails for want of what it alone needs is told of in
    /// `summary_meta.errors`.
    ///
    /// # Errors
    /// See [`Error`]: those that leave nothing for any detector.
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
            asks.push(Ask::Hits(request.hit_params.clone()));
        }
        if request.run_loops {
            asks.push(Ask::Loops(request.loop_params.clone()));
        }
        if request.run_phrases {
            match WordSource::find(&self.0.media, scope, &source).await {
                Ok(words) => asks.push(Ask::Phrases(request.phrase_params.clone(), words)),
                Err(error) => answer.add(Detector::Phrases, Err(error))?,
            }
        }
        let named = asks.into_iter();
        let named = named.map(|ask| Task::new(scope, &source, ask, request.min_quality_score));
        let tasks: Vec<Task> = named.collect::<Result<_, _>>()?;
        let (runs, cache_hit) = self.find_or_make(scope, &source, &tasks).await?;
        for (task, run) in tasks.iter().zip(runs) {
            answer.add(task.ask.detector(), run)?;
        }
        Ok(answer.summed_up(request, &source.mark, common_key(scope, &source.asset.id, &tasks), cache_hit))
    }

    /// The hits alone.
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
        self.detect(context, &source, Ask::Hits(request.hit_params.clone()), request.min_quality_score).await
    }

    /// The loops alone.
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
        self.detect(context, &source, Ask::Loops(request.loop_params.clone()), request.min_quality_score)
            .await
    }

    /// The phrases alone.
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
        let ask = Ask::Phrases(request.phrase_params.clone(), words);
        self.detect(context, &source, ask, request.min_quality_score).await
    }

    async fn detect(
        &self,
        context: &RequestContext,
        source: &SampleSource,
        ask: Ask,
        min_quality_score: f64,
    ) -> Result<DetectResponse, Error> {
        let task = Task::new(&context.scope, source, ask, min_quality_score)?;
        let (runs, cache_hit) =
            self.find_or_make(&context.scope, source, std::slice::from_ref(&task)).await?;
        // There is one.
        let run = runs.into_iter().collect::<Result<Vec<Run>, Error>>()?.pop().unwrap_or_default();
        Ok(detected(&source.asset.id, task, run, cache_hit))
    }

    /// The asset, when it has audio as far as is known, and what decodes the stream.
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
        // Measured when it was registered.
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

    /// What each of `tasks` gives, and whether all of it was there before. Requests about one recording take turns, so
    /// that none does what another does.
    async fn find_or_make(
        &self,
        scope: &Scope,
        source: &SampleSource,
        tasks: &[Task],
    ) -> Result<(Runs, bool), Error> {
        let all = async || -> Result<Option<Runs>, Error> {
            let mut found = self.find(scope, tasks).await?;
            let run = |task: &Task| found.remove(&task.cache_key).map(Ok);
            Ok(tasks.iter().map(run).collect())
        };
        let (runs, cache_hit) = match all().await? {
            Some(runs) => (runs, true),
            None => {
                let name = format!("samples|{}|{}|{}", scope.tenant_id, scope.env, source.asset.id);
                match self.0.flights.board(&name, all).await? {
                    Boarding::Landed(runs) => (runs, true),
                    Boarding::Aboard(flight) => {
                        let made = self.make_missing(scope, source, tasks).await;
                        flight.land().await;
                        (made?, false)
                    }
                }
            }
        };
        metrics::counter!("sample_requests_total", "cache_hit" => cache_hit.to_string()).increment(1);
        Ok((runs, cache_hit))
    }

    async fn find(&self, scope: &Scope, tasks: &[Task]) -> Result<HashMap<String, Run>, Error> {
        let keys: Vec<String> = tasks.iter().map(|task| task.cache_key.clone()).collect();
        let mut conn = self.0.media.pool().acquire().await?;
        store::find_runs(&mut conn, scope, &keys).await
    }

    /// Makes those of `tasks` that were not made before.
    async fn make_missing(
        &self,
        scope: &Scope,
        source: &SampleSource,
        tasks: &[Task],
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
            let tasks: Vec<&Task> = ready.iter().map(|(task, _)| task).collect();
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

    /// What is said, where that matters.
    async fn words(&self, scope: &Scope, task: &Task) -> Result<Vec<SpokenWord>, Error> {
        match &task.ask {
            Ask::Phrases(_, source) => source.read(&self.0.media, &self.0.timelines, scope).await,
            Ask::Hits(_) | Ask::Loops(_) => Ok(Vec::new()),
        }
    }
}

/// Of each task, in their order: what it gave, or why it alone gave nothing.
type Runs = Vec<Result<Run, Error>>;
