//! What a detector is asked for, and what that is called.

use http_kit::{Id, Scope};
use media_v2::MediaAsset;
use serde_json::Value;

use crate::Error;
use crate::model::Detector;
use crate::params::{HitParams, LoopParams, PhraseParams};
use crate::words::WordSource;

/// Changes whenever the same recording and parameters may give other samples: finding, cutting or fading them.
const SAMPLES_VERSION: &str = "samples_v1";

/// The audio that samples are taken from.
#[derive(Clone, Debug)]
pub(crate) struct SampleSource {
    pub(crate) asset: MediaAsset,
    /// An index among the audio streams; the container's default one without.
    pub(crate) audio_stream: Option<u32>,
    /// What versions carry of the stream and its decoder: see
    /// [`MediaService::decoder_mark`](media_v2::MediaService::decoder_mark).
    pub(crate) mark: String,
}

/// One detector's work on a recording.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) ask: Ask,
    /// The lowest score.
    pub(crate) min_score: f64,
    /// See [`version`].
    pub(crate) backend_version: String,
    /// See [`Task::new`].
    pub(crate) cache_key: String,
}

/// With which parameters, and of phrases with whose words.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Hits(HitParams),
    Loops(LoopParams),
    Phrases(PhraseParams, WordSource),
}

impl Ask {
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

    /// The artifact whose words are used.
    pub(crate) const fn words(&self) -> Option<&Id> {
        match self {
            Self::Phrases(_, words) => Some(words.artifact_id()),
            Self::Hits(_) | Self::Loops(_) => None,
        }
    }
}

impl Task {
    /// Names the work: `tenant_id|env|asset_id|detector|parameters|words|min_quality_score|backend_version`, parameters as
    /// canonical JSON (no id and no number can hold a `|`), words as the id of their artifact or `None`. The user is no
    /// part of it: samples are the same for all of a tenant.
    pub(crate) fn new(scope: &Scope, source: &SampleSource, ask: Ask, min_score: f64) -> Result<Self, Error> {
        let backend_version = version(ask.detector(), &source.mark);
        let asset_id = &source.asset.id;
        let cause = |source| Error::Corrupt { cache_key: asset_id.to_string(), source };
        let cache_key = [
            scope.tenant_id.as_str(),
            scope.env.as_str(),
            asset_id.as_str(),
            ask.detector().as_str(),
            &media_v2::canonical_json(&ask.params().map_err(cause)?),
            ask.words().map_or("None", Id::as_str),
            &min_score.to_string(),
            &backend_version,
        ]
        .join("|");
        Ok(Self { ask, min_score, backend_version, cache_key })
    }
}

/// Names everything but the request that changes what a detector gives: with the source's `mark`.
pub(crate) fn version(detector: Detector, mark: &str) -> String {
    format!("{SAMPLES_VERSION}+{}+{}{mark}", detector.as_str(), audio_signal::ALGORITHM_VERSION)
}

/// The key of several tasks on one recording: what they share once, then what each adds.
pub(crate) fn common_key(scope: &Scope, asset_id: &Id, tasks: &[Task]) -> String {
    let own = format!("{}|{}|{asset_id}|", scope.tenant_id, scope.env);
    let parts = tasks.iter().map(|task| task.cache_key.strip_prefix(&own).unwrap_or(&task.cache_key));
    let parts: Vec<&str> = parts.collect();
    format!("{own}{}", parts.join("|"))
}
