//! The work of one detector on a recording: its parameters, version and cache key.

use std::sync::Arc;

use primitives::{Id, Scope};

use crate::Error;
use crate::detector::SampleDetector;
use crate::model::Detector;
use crate::source::SampleSource;
use crate::words::WordSource;

/// Must change when the same recording and parameters may give other samples, or other bytes of the
/// same samples, by changes in detecting, measuring, cutting, fading or headers.
const SAMPLES_VERSION: &str = "samples_v4";

/// One detector's work on a recording.
#[derive(Clone, Debug)]
pub(crate) struct DetectorJob {
    pub(crate) detector: Arc<dyn SampleDetector>,
    /// The source of the words, for detectors that need them.
    pub(crate) words: Option<WordSource>,
    /// Minimum score of a sample.
    pub(crate) min_score: f64,
    /// Version of the result, see [`version`].
    pub(crate) backend_version: String,
    /// Key of the run, see [`DetectorJob::new`].
    pub(crate) cache_key: String,
}

impl DetectorJob {
    /// Creates a job with its cache key:
    /// `tenant_id|env|asset_id|detector|parameters|words|min_quality_score|backend_version`, with the parameters as
    /// canonical JSON (no id and no number contains a `|`) and the words as the id of their artifact or `None`. The
    /// user is not part of the key: samples are shared by all users of a tenant.
    pub(crate) fn new(
        scope: &Scope,
        source: &SampleSource,
        detector: Arc<dyn SampleDetector>,
        words: Option<WordSource>,
        min_score: f64,
    ) -> Result<Self, Error> {
        let backend_version = version(detector.detector(), &source.mark);
        let asset_id = &source.asset.id;
        let cache_key = [
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            asset_id.as_str(),
            detector.detector().as_str(),
            &primitives::canonical_json(&detector.to_json().map_err(Error::Unwritable)?),
            words.as_ref().map_or("None", |words| words.artifact_id().as_str()),
            &min_score.to_string(),
            &backend_version,
        ]
        .join("|");
        Ok(Self { detector, words, min_score, backend_version, cache_key })
    }
}

/// Version of everything besides the request that determines a detector's result, including the source's `mark`.
pub(crate) fn version(detector: Detector, mark: &str) -> String {
    format!("{SAMPLES_VERSION}+{}+{}{mark}", detector.as_str(), audio_signal::ALGORITHM_VERSION)
}

/// The common key of several jobs on one recording: their shared prefix once, followed by the rest of each.
pub(crate) fn common_key(scope: &Scope, asset_id: &Id, jobs: &[DetectorJob]) -> String {
    let own = format!("{}|{}|{asset_id}|", scope.tenant_id, scope.env);
    let parts = jobs.iter().map(|job| job.cache_key.strip_prefix(&own).unwrap_or(&job.cache_key));
    let parts: Vec<&str> = parts.collect();
    format!("{own}{}", parts.join("|"))
}
