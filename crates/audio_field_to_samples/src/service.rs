//! The service: finds stored runs, makes missing ones and registers them.

use std::collections::HashMap;
use std::sync::Arc;

use audio_semantic_timeline::SemanticTimelines;
use http_kit::RequestContext;
use media_v2::MediaService;
use primitives::{Clock, Scope};
use scheduling::{SingleFlight, WorkQueue};
use tokio::sync::Semaphore;

use crate::archive::MAX_CONCURRENT;
use crate::checks::Checks;
use crate::detector::SampleDetector;
use crate::job::{DetectorJob, common_key};
use crate::make::make;
use crate::model::{DetectResponse, Run, SamplesRequest, SamplesResponse};
use crate::phrases::SpokenWord;
use crate::register::register;
use crate::request::DetectRequest;
use crate::response::{ResponseBuilder, detect_response};
use crate::source::SampleSource;
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
    /// Slots of archives.
    archives: Arc<Semaphore>,
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
        let archives = Arc::new(Semaphore::new(MAX_CONCURRENT));
        Self(Arc::new(Inner { media, timelines, queue, single_flight, archives, clock }))
    }

    /// The store of assets and artifacts.
    pub(crate) fn media(&self) -> &MediaService {
        &self.0.media
    }

    /// The slots of archives that are planned and sent.
    pub(crate) fn archives(&self) -> &Arc<Semaphore> {
        &self.0.archives
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
        let detectors = detectors(request);
        check(detectors.iter().map(|(_, detector)| detector.as_ref()), request.min_quality_score)?;
        let scope = &context.scope;
        let source =
            SampleSource::find(&self.0.media, scope, &request.asset_id, request.audio_stream).await?;

        let mut response = ResponseBuilder::default();
        let mut jobs = Vec::new();
        for (_, detector) in detectors.into_iter().filter(|(is_requested, _)| *is_requested) {
            let name = detector.detector();
            match self.job(scope, &source, detector, request.min_quality_score).await {
                Ok(job) => jobs.push(job),
                Err(error) => response.add(name, Err(error))?,
            }
        }
        let (runs, cache_hit) = self.find_or_make(scope, &source, &jobs).await?;
        for (job, run) in jobs.iter().zip(runs) {
            response.add(job.detector.detector(), run)?;
        }
        Ok(response.build(request, &source.mark, common_key(scope, &source.asset.id, &jobs), cache_hit))
    }

    /// Runs one detector.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn detect<R>(&self, context: &RequestContext, request: &R) -> Result<DetectResponse, Error>
    where
        R: DetectRequest<Params: SampleDetector + Clone + 'static> + Sync,
    {
        let (scope, min_score) = (&context.scope, request.min_quality_score());
        check([request.params() as &dyn SampleDetector], min_score)?;
        let (asset_id, audio_stream) = (request.asset_id(), request.audio_stream());
        let source = SampleSource::find(&self.0.media, scope, asset_id, audio_stream).await?;
        let job = self.job(scope, &source, Arc::new(request.params().clone()), min_score).await?;
        let (runs, cache_hit) = self.find_or_make(scope, &source, std::slice::from_ref(&job)).await?;
        // There is exactly one run.
        let run = runs.into_iter().collect::<Result<Vec<Run>, Error>>()?.pop().unwrap_or_default();
        Ok(detect_response(&source.asset.id, job, run, cache_hit))
    }

    /// The job of `detector`, with the source of the words that it needs.
    async fn job(
        &self,
        scope: &Scope,
        source: &SampleSource,
        detector: Arc<dyn SampleDetector>,
        min_score: f64,
    ) -> Result<DetectorJob, Error> {
        let words = if detector.needs_words() {
            Some(WordSource::find(&self.0.media, scope, source).await?)
        } else {
            None
        };
        DetectorJob::new(scope, source, detector, words, min_score)
    }

    /// Finds or makes the run of each of `jobs`; also returns whether all were stored already. Requests for one
    /// recording are serialised, so that identical work is done once.
    async fn find_or_make(
        &self,
        scope: &Scope,
        source: &SampleSource,
        jobs: &[DetectorJob],
    ) -> Result<(Runs, bool), Error> {
        let all = async || -> Result<Option<Runs>, Error> {
            let mut found = self.find(scope, jobs).await?;
            let run = |job: &DetectorJob| found.remove(&job.cache_key).map(Ok);
            Ok(jobs.iter().map(run).collect())
        };
        let (runs, cache_hit) = match all().await? {
            Some(runs) => (runs, true),
            None => {
                let name = format!("samples|{}|{}|{}", scope.tenant_id, scope.env, source.asset.id);
                self.0
                    .single_flight
                    .get_or_make(&name, all, Box::pin(self.make_missing(scope, source, jobs)))
                    .await?
            }
        };
        metrics::counter!("sample_requests_total", "cache_hit" => cache_hit.to_string()).increment(1);
        Ok((runs, cache_hit))
    }

    async fn find(&self, scope: &Scope, jobs: &[DetectorJob]) -> Result<HashMap<String, Run>, Error> {
        let keys: Vec<String> = jobs.iter().map(|job| job.cache_key.clone()).collect();
        let mut conn = self.0.media.pool().acquire().await?;
        store::find_runs(&mut conn, scope, &keys).await
    }

    /// Makes the runs of those `jobs` that have none.
    async fn make_missing(
        &self,
        scope: &Scope,
        source: &SampleSource,
        jobs: &[DetectorJob],
    ) -> Result<Runs, Error> {
        let mut found = self.find(scope, jobs).await?;
        let mut runs: Vec<_> = jobs.iter().map(|job| found.remove(&job.cache_key).map(Ok)).collect();
        let (mut missing, mut ready) = (Vec::new(), Vec::new());
        for (position, job) in jobs.iter().enumerate() {
            if runs[position].is_some() {
                continue;
            }
            match self.words(scope, job).await {
                Ok(words) => {
                    missing.push(position);
                    ready.push((job.clone(), words));
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
            let output = make(&self.0.queue, self.0.media.blobs(), recording, source, ready.clone()).await?;
            let jobs: Vec<&DetectorJob> = ready.iter().map(|(job, _)| job).collect();
            let now = self.0.clock.now();
            let mut transaction = self.0.media.pool().begin().await?;
            let made = register(&mut transaction, scope, now, &source.asset, &jobs, output).await?;
            transaction.commit().await?;
            for (position, run) in missing.into_iter().zip(made) {
                runs[position] = Some(run);
            }
        }
        Ok(runs.into_iter().flatten().collect())
    }

    /// The words that `job` needs.
    async fn words(&self, scope: &Scope, job: &DetectorJob) -> Result<Vec<SpokenWord>, Error> {
        match &job.words {
            Some(source) => source.read(&self.0.media, &self.0.timelines, scope).await,
            None => Ok(Vec::new()),
        }
    }
}

/// The run or the error of each job, in the order of the jobs.
type Runs = Vec<Result<Run, Error>>;

/// All detectors with the parameters of `request`, and whether it requests them.
fn detectors(request: &SamplesRequest) -> [(bool, Arc<dyn SampleDetector>); 3] {
    [
        (request.run_hits, Arc::new(request.hit_params.clone())),
        (request.run_loops, Arc::new(request.loop_params.clone())),
        (request.run_phrases, Arc::new(request.phrase_params.clone())),
    ]
}

/// Checks the parameters of all `detectors`, also of those that do not run.
fn check<'a>(
    detectors: impl IntoIterator<Item = &'a dyn SampleDetector>,
    min_quality_score: f64,
) -> Result<(), Error> {
    let mut checks = Checks::default();
    for detector in detectors {
        detector.check(&mut checks);
    }
    checks.fraction("/min_quality_score", min_quality_score);
    checks.finish().map_err(Error::Invalid)
}
