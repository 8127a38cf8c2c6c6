//! Builds responses from runs.

use std::collections::BTreeMap;

use http_kit::Problem;
use primitives::Id;

use crate::Error;
use crate::job::{DetectorJob, version};
use crate::model::{
    DetectMeta, DetectResponse, Detector, DetectorError, Run, SamplesRequest, SamplesResponse, ScoreDetail,
    SummaryMeta,
};

/// Collects the runs and errors of the detectors of one request.
#[derive(Debug, Default)]
pub(crate) struct ResponseBuilder {
    runs: BTreeMap<Detector, Run>,
    errors: BTreeMap<Detector, DetectorError>,
}

impl ResponseBuilder {
    /// Adds the run or the error of a detector.
    ///
    /// # Errors
    /// The error in `run`, unless it concerns this detector alone.
    pub(crate) fn add(&mut self, detector: Detector, run: Result<Run, Error>) -> Result<(), Error> {
        match run {
            Ok(run) => {
                self.runs.insert(detector, run);
            }
            Err(error) if error.concerns_one_detector() => {
                let problem = Problem::from(error);
                let (code, detail) = (problem.code(), problem.detail().to_owned());
                self.errors.insert(detector, DetectorError { code, detail });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Builds the response of all detectors.
    pub(crate) fn build(
        self,
        request: &SamplesRequest,
        mark: &str,
        cache_key: String,
        cache_hit: bool,
    ) -> SamplesResponse {
        let ids = |detector| self.runs.get(&detector).map(artifact_ids).unwrap_or_default();
        let hit_artifact_ids = ids(Detector::Hits);
        let loop_artifact_ids = ids(Detector::Loops);
        let phrase_artifact_ids = ids(Detector::Phrases);
        let requested = self.runs.keys().chain(self.errors.keys());
        SamplesResponse {
            asset_id: request.asset_id.clone(),
            summary_meta: SummaryMeta {
                hits_count: hit_artifact_ids.len(),
                loops_count: loop_artifact_ids.len(),
                phrases_count: phrase_artifact_ids.len(),
                cache_key,
                cache_hit,
                backend_versions: requested.map(|detector| (*detector, version(*detector, mark))).collect(),
                min_quality_score: request.min_quality_score,
                score_details: self.each(score_details),
                filtered_counts: self.each(|run| run.filtered),
                cut_off_counts: self.each(|run| run.cut_off),
                errors: (!self.errors.is_empty()).then_some(self.errors),
            },
            hit_artifact_ids,
            loop_artifact_ids,
            phrase_artifact_ids,
        }
    }

    fn each<T>(&self, value: impl Fn(&Run) -> T) -> BTreeMap<Detector, T> {
        self.runs.iter().map(|(detector, run)| (*detector, value(run))).collect()
    }
}

/// Builds the response of a single detector.
pub(crate) fn detect_response(asset_id: &Id, job: DetectorJob, run: Run, cache_hit: bool) -> DetectResponse {
    DetectResponse {
        asset_id: asset_id.clone(),
        artifact_ids: artifact_ids(&run),
        meta: DetectMeta {
            count: run.samples.len(),
            cache_key: job.cache_key,
            cache_hit,
            backend_version: job.backend_version,
            min_quality_score: job.min_score,
            score_details: score_details(&run),
            filtered_count: run.filtered,
            cut_off_count: run.cut_off,
        },
        events: run.samples.into_iter().map(|sample| sample.event).collect(),
    }
}

fn artifact_ids(run: &Run) -> Vec<Id> {
    run.samples.iter().map(|sample| sample.artifact_id.clone()).collect()
}

fn score_details(run: &Run) -> BTreeMap<Id, ScoreDetail> {
    let detail = |sample: &crate::model::Sample| {
        let detail = ScoreDetail { score: sample.score, offset: sample.event.source().start() };
        (sample.artifact_id.clone(), detail)
    };
    run.samples.iter().map(detail).collect()
}
