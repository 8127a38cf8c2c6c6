//! The work of a detector: its parameters, version and cache key.

use media_v2::MediaAsset;
use primitives::{Id, Scope};
use serde_json::Value;

use crate::Error;
use crate::model::Detector;
use crate::params::{HitParams, LoopParams, PhraseParams};
use crate::words::WordSource;

/// Must change when the same recording and parameters may give other samples, by changes in detecting, cutting or
/// fading.
const SAMPLES_VERSION: &str = "samples_v1";

/// The audio that samples are taken from.
#[derive(Clone, Debug)]
pub(crate) struct SampleSource {
    pub(crate) asset: MediaAsset,
    /// Index among the audio streams; `None` for the container's default stream.
    pub(crate) audio_stream: Option<u32>,
    /// The part of versions that identifies the stream and its decoder, see
    /// [`MediaService::decoder_mark`](media_v2::MediaService::decoder_mark).
    pub(crate) mark: String,
}

/// One detector's work on a recording.
#[derive(Clone, Debug)]
pub(crate) struct DetectorJob {
    pub(crate) ask: DetectorRequest,
    /// Minimum score of a sample.
    pub(crate) min_score: f64,
    /// Version of the result, see [`version`].
    pub(crate) backend_version: String,
    /// Key of the run, see [`DetectorJob::new`].
    pub(crate) cache_key: String,
}

/// The detector with its parameters, and for phrases the source of the words.
#[derive(Clone, Debug)]
pub(crate) enum DetectorRequest {
    Hits(HitParams),
    Loops(LoopParams),
    Phrases(PhraseParams, WordSource),
}

impl DetectorRequest {
    pub(crate) const fn detector(&self) -> Detector {
        match self {
            Self::Hits(_) => Detector::Hits,
            Self::Loops(_) => Detector::Loops,
            Self::Phrases(..) => Detector::Phrases,
        }
    }

    /// The parameters as JSON.
    pub(crate) fn params(&self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Hits(params) => serde_json::to_value(params),
            Self::Loops(params) => serde_json::to_value(params),
            Self::Phrases(params, _) => serde_json::to_value(params),
        }
    }

    /// The artifact of the words, for phrases.
    pub(crate) const fn words(&self) -> Option<&Id> {
        match self {
            Self::Phrases(_, words) => Some(words.artifact_id()),
            Self::Hits(_) | Self::Loops(_) => None,
        }
    }
}

impl DetectorJob {
    /// Creates a task with its cache key:
    /// `tenant_id|env|asset_id|detector|parameters|words|min_quality_score|backend_version`, with the parameters as
    /// canonical JSON (no id and no number contains a `|`) and the words as the id of their artifact or `None`. The
    /// user is not part of the key: samples are shared by all users of a tenant.
    pub(crate) fn new(
        scope: &Scope,
        source: &SampleSource,
        ask: DetectorRequest,
        min_score: f64,
    ) -> Result<Self, Error> {
        let backend_version = version(ask.detector(), &source.mark);
        let asset_id = &source.asset.id;
        let cache_key = [
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            asset_id.as_str(),
            ask.detector().as_str(),
            &primitives::canonical_json(&ask.params().map_err(Error::Unwritable)?),
            ask.words().map_or("None", Id::as_str),
            &min_score.to_string(),
            &backend_version,
        ]
        .join("|");
        Ok(Self { ask, min_score, backend_version, cache_key })
    }
}

/// Version of everything besides the request that determines a detector's result, including the source's `mark`.
pub(crate) fn version(detector: Detector, mark: &str) -> String {
    format!("{SAMPLES_VERSION}+{}+{}{mark}", detector.as_str(), audio_signal::ALGORITHM_VERSION)
}

/// The common key of several tasks on one recording: their shared prefix once, followed by the rest of each.
pub(crate) fn common_key(scope: &Scope, asset_id: &Id, tasks: &[DetectorJob]) -> String {
    let own = format!("{}|{}|{asset_id}|", scope.tenant_id, scope.env);
    let parts = tasks.iter().map(|task| task.cache_key.strip_prefix(&own).unwrap_or(&task.cache_key));
    let parts: Vec<&str> = parts.collect();
    format!("{own}{}", parts.join("|"))
}
