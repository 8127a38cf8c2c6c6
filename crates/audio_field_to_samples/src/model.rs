//! Wire types: requests, responses and stored runs.

use std::collections::BTreeMap;

use media_time::{AssetTime, Window};
use media_v2::ArtifactKind;
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::hits::wire::{HitEvent, HitParams};
use crate::loops::wire::{LoopEvent, LoopParams};
use crate::phrases::wire::{PhraseParams, VoicePhrase};

/// The detectors of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// Single struck sounds, e.g. drum hits.
    Hits,
    /// Whole bars that can be repeated.
    Loops,
    /// Spoken words without a pause.
    Phrases,
}

impl Detector {
    /// The detector's name on the wire, in cache keys and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hits => "hits",
            Self::Loops => "loops",
            Self::Phrases => "phrases",
        }
    }

    /// Role of a sample, in file names and in the headers of files.
    #[must_use]
    pub const fn role(self) -> &'static str {
        match self {
            Self::Hits => "hit",
            Self::Loops => "loop",
            Self::Phrases => "phrase",
        }
    }

    /// The kind of artifact that the detector registers.
    #[must_use]
    pub const fn kind(self) -> ArtifactKind {
        match self {
            Self::Hits => ArtifactKind::AudioHit,
            Self::Loops => ArtifactKind::AudioLoop,
            Self::Phrases => ArtifactKind::AudioPhrase,
        }
    }
}

/// Requests samples of a recording.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SamplesRequest {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The asset of the recording.
    pub asset_id: Id,
    /// The audio stream to take the samples from, by its index among the audio streams of the recording; the
    /// container's default stream when absent.
    pub audio_stream: Option<u32>,
    /// Whether to detect hits.
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub run_hits: bool,
    /// Whether to detect loops.
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub run_loops: bool,
    /// Whether to detect phrases.
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub run_phrases: bool,
    /// Parameters of the hit detector.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = HitParams::default)]
    pub hit_params: HitParams,
    /// Parameters of the loop detector.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = LoopParams::default)]
    pub loop_params: LoopParams,
    /// Parameters of the phrase detector.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = PhraseParams::default)]
    pub phrase_params: PhraseParams,
    /// Minimum score, 0 to 1; samples below it are left out and counted.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = 0.0, minimum = 0, maximum = 1)]
    pub min_quality_score: f64,
}

http_kit::field_default!(yes, yes_or_null: bool = true);

http_kit::context_fields!(SamplesRequest);

/// A detected hit, loop or phrase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Event {
    /// A single struck sound.
    Hit(HitEvent),
    /// Bars that can be repeated.
    Loop(LoopEvent),
    /// Words without a pause.
    Phrase(VoicePhrase),
}

impl Event {
    /// The window of the slice in the recording.
    #[must_use]
    pub fn source(&self) -> Window<AssetTime> {
        let (start, end) = match self {
            Self::Hit(HitEvent { source_start, source_end, .. })
            | Self::Loop(LoopEvent { source_start, source_end, .. })
            | Self::Phrase(VoicePhrase { source_start, source_end, .. }) => (*source_start, *source_end),
        };
        Window::starting_at(start, end - start)
    }
}

/// An event with its artifact and its score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The artifact with the slice as its content.
    pub artifact_id: Id,
    /// Quality score, 0 to 1.
    pub score: f64,
    /// The hit, loop or phrase.
    pub event: Event,
}

/// The result of one detector on a recording: stored under its cache key for identical requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Ordered by time; loops by descending score.
    pub samples: Vec<Sample>,
    /// Number of samples below the minimum score.
    pub filtered: u64,
    /// Number of samples above the limit of a run, of which the best are kept.
    pub cut_off: u64,
}

/// The result of one detector.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DetectResponse {
    /// The asset of the recording.
    pub asset_id: Id,
    /// `HitEvent`s, `LoopEvent`s or `VoicePhrase`s, depending on the endpoint.
    pub events: Vec<Event>,
    /// The artifact of each event.
    pub artifact_ids: Vec<Id>,
    /// Metadata of the run.
    pub meta: DetectMeta,
}

/// Metadata of a run of one detector.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DetectMeta {
    /// Number of events in the response.
    pub count: usize,
    /// Key of the run; identical requests have the same key.
    pub cache_key: String,
    /// Whether the run was stored by an earlier request.
    pub cache_hit: bool,
    /// Version of everything besides the request that determines the result.
    pub backend_version: String,
    /// The minimum score of the request.
    pub min_quality_score: f64,
    /// Score and start time of each artifact.
    pub score_details: BTreeMap<Id, ScoreDetail>,
    /// Number of samples below the minimum score.
    pub filtered_count: u64,
    /// Number of samples above the limit of a run, of which the best are kept.
    pub cut_off_count: u64,
}

/// The samples of a recording.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SamplesResponse {
    /// The asset of the recording.
    pub asset_id: Id,
    /// Artifacts of the hits, ordered by time.
    pub hit_artifact_ids: Vec<Id>,
    /// Artifacts of the loops, best first.
    pub loop_artifact_ids: Vec<Id>,
    /// Artifacts of the phrases, ordered by time.
    pub phrase_artifact_ids: Vec<Id>,
    /// Counts, versions, scores and errors.
    pub summary_meta: SummaryMeta,
}

/// Metadata of the samples of a recording.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SamplesMeta)]
pub struct SummaryMeta {
    /// Number of registered hits.
    pub hits_count: usize,
    /// Number of registered loops.
    pub loops_count: usize,
    /// Number of registered phrases.
    pub phrases_count: usize,
    /// Key of all runs; identical requests have the same key.
    pub cache_key: String,
    /// Whether all runs were stored by earlier requests.
    pub cache_hit: bool,
    /// For each requested detector, the version of everything besides the request that determines its result.
    pub backend_versions: BTreeMap<Detector, String>,
    /// The minimum score of the request.
    pub min_quality_score: f64,
    /// Score and start time of each artifact, by detector.
    pub score_details: BTreeMap<Detector, BTreeMap<Id, ScoreDetail>>,
    /// Number of samples below the minimum score, by detector.
    pub filtered_counts: BTreeMap<Detector, u64>,
    /// Number of samples above the limit of a run, of which the best are kept, by detector.
    pub cut_off_counts: BTreeMap<Detector, u64>,
    /// Why a detector failed, by detector; null when all requested detectors ran.
    pub errors: Option<BTreeMap<Detector, DetectorError>>,
}

/// Score and start time of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct ScoreDetail {
    /// Quality score, 0 to 1.
    pub score: f64,
    /// Start of the slice in the recording, in ms.
    #[serde(rename = "offset_ms")]
    pub offset: AssetTime,
}

/// Why a detector failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DetectorError {
    /// The problem code that a request for this detector alone returns.
    pub code: &'static str,
    /// Description of the problem for people.
    pub detail: String,
}
