//! Wire types: what callers send and get, and what is stored of a run.

use std::collections::BTreeMap;

use http_kit::Id;
use media_time::{MediaTime, Window};
use media_v2::ArtifactKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::params::{HitParams, LoopParams, PhraseParams};

/// The detectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// Single struck sounds.
    Hits,
    /// Bars that can be repeated.
    Loops,
    /// Words without a pause.
    Phrases,
}

impl Detector {
    /// Its name on the wire, in cache keys and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hits => "hits",
            Self::Loops => "loops",
            Self::Phrases => "phrases",
        }
    }

    /// What it registers.
    #[must_use]
    pub const fn kind(self) -> ArtifactKind {
        match self {
            Self::Hits => ArtifactKind::AudioHit,
            Self::Loops => ArtifactKind::AudioLoop,
            Self::Phrases => ArtifactKind::AudioPhrase,
        }
    }
}

/// Asks for samples of a recording.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SamplesRequest {
    /// May stand in for the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// May stand in for the header `X-Env`.
    pub env: Option<String>,
    /// May stand in for the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The recording.
    pub asset_id: Id,
    /// The audio stream to take them from, by its index among the audio streams of the recording; the container's
    /// default one when not given.
    pub audio_stream: Option<u32>,
    /// Look for hits?
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub run_hits: bool,
    /// Look for loops?
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub run_loops: bool,
    /// Look for phrases?
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub run_phrases: bool,
    /// How.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = HitParams::default)]
    pub hit_params: HitParams,
    /// How.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = LoopParams::default)]
    pub loop_params: LoopParams,
    /// How.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = PhraseParams::default)]
    pub phrase_params: PhraseParams,
    /// The lowest score, 0 to 1; what is below is counted and left out.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = 0.0, minimum = 0, maximum = 1)]
    pub min_quality_score: f64,
}

http_kit::field_default!(yes, yes_or_null: bool = true);

/// A request of one detector alone: as [`SamplesRequest`], with its own parameters only.
macro_rules! detector_request {
    ($(#[$doc:meta])* $name:ident, $field:ident: $params:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// May stand in for the header `X-Tenant-Id`.
            pub tenant_id: Option<String>,
            /// May stand in for the header `X-Env`.
            pub env: Option<String>,
            /// May stand in for the header `X-User-Id`.
            pub user_id: Option<String>,
            /// The recording.
            pub asset_id: Id,
            /// The audio stream to take them from, by its index among the audio streams of the recording; the container's
            /// default one when not given.
            pub audio_stream: Option<u32>,
            /// How.
            #[serde(default, deserialize_with = "http_kit::null_as_default")]
            #[schema(default = $params::default)]
            pub $field: $params,
            /// The lowest score, 0 to 1; what is below is counted and left out.
            #[serde(default, deserialize_with = "http_kit::null_as_default")]
            #[schema(default = 0.0, minimum = 0, maximum = 1)]
            pub min_quality_score: f64,
        }
    };
}

detector_request!(
    /// Asks for the hits of a recording.
    HitsRequest, hit_params: HitParams
);
detector_request!(
    /// Asks for the loops of a recording.
    LoopsRequest, loop_params: LoopParams
);
detector_request!(
    /// Asks for the phrases of a recording.
    PhrasesRequest, phrase_params: PhraseParams
);

http_kit::context_fields!(SamplesRequest, HitsRequest, LoopsRequest, PhrasesRequest);

/// A struck sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HitEvent {
    /// When it is heard to begin.
    pub time_ms: i64,
    /// Its largest sample, dBFS.
    pub peak_db: f64,
    /// Mean square of the slice's samples, full scale 1.
    pub energy: Option<f64>,
    /// From its rise until it has decayed, or the next hit rises.
    pub duration_ms: Option<i64>,
    /// First instant of the slice in the recording, exact to the sample.
    pub source_start_ms: MediaTime,
    /// First instant after it.
    pub source_end_ms: MediaTime,
}

/// Bars that can be repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoopEvent {
    /// The bar line at its beginning.
    pub start_ms: i64,
    /// The bar line behind it.
    pub end_ms: i64,
    /// How many bars.
    pub loop_bars: u32,
    /// Beats per minute of the slice, four to the bar.
    pub bpm: f64,
    /// How well its end joins its beginning, on how clear a beat; 0 to 1.
    pub confidence: f64,
    /// First instant of the slice in the recording, exact to the sample.
    pub source_start_ms: MediaTime,
    /// First instant after it.
    pub source_end_ms: MediaTime,
}

/// Words without a pause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoicePhrase {
    /// When the first word begins.
    pub start_ms: i64,
    /// When the last one ends.
    pub end_ms: i64,
    /// The words.
    pub transcript: String,
    /// Mean of the words', 0 to 1; null when none is known.
    pub confidence: Option<f64>,
    /// First instant of the slice in the recording, exact to the sample.
    pub source_start_ms: MediaTime,
    /// First instant after it.
    pub source_end_ms: MediaTime,
}

/// What a detector found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Event {
    /// A hit.
    Hit(HitEvent),
    /// A loop.
    Loop(LoopEvent),
    /// A phrase.
    Phrase(VoicePhrase),
}

impl Event {
    /// The window of the slice in the recording.
    #[must_use]
    pub fn source(&self) -> Window {
        let (start, end) = match self {
            Self::Hit(HitEvent { source_start_ms, source_end_ms, .. })
            | Self::Loop(LoopEvent { source_start_ms, source_end_ms, .. })
            | Self::Phrase(VoicePhrase { source_start_ms, source_end_ms, .. }) => {
                (*source_start_ms, *source_end_ms)
            }
        };
        Window::starting_at(start, end - start)
    }
}

/// An event with its artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Whose bytes are the slice.
    pub artifact_id: Id,
    /// How good it is, 0 to 1.
    pub score: f64,
    /// What was found.
    pub event: Event,
}

/// What one detector found in a recording: kept under its cache key, so that an identical request gets it again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// In order of time; loops best first.
    pub samples: Vec<Sample>,
    /// How many were left out for their score.
    pub filtered: u64,
    /// How many more there were than a run may have; the best were kept.
    pub cut_off: u64,
}

/// What was found by one detector alone.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DetectResponse {
    /// The recording.
    pub asset_id: Id,
    /// `HitEvent`s, `LoopEvent`s or `VoicePhrase`s, as the call says.
    pub events: Vec<Event>,
    /// The artifact of each.
    pub artifact_ids: Vec<Id>,
    /// About the run.
    pub meta: DetectMeta,
}

/// About a run of one detector.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DetectMeta {
    /// How many there are.
    pub count: usize,
    /// Identical requests have the same.
    pub cache_key: String,
    /// Was it found by an earlier request?
    pub cache_hit: bool,
    /// Names everything but the request that changes a result.
    pub backend_version: String,
    /// As asked for.
    pub min_quality_score: f64,
    /// Score and place of each artifact.
    pub score_details: BTreeMap<Id, ScoreDetail>,
    /// How many were left out for their score.
    pub filtered_count: u64,
    /// How many more there were than one call gives; the best were kept.
    pub cut_off_count: u64,
}

/// Samples of a recording.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SamplesResponse {
    /// The recording.
    pub asset_id: Id,
    /// In order of time.
    pub hit_artifact_ids: Vec<Id>,
    /// Best first.
    pub loop_artifact_ids: Vec<Id>,
    /// In order of time.
    pub phrase_artifact_ids: Vec<Id>,
    /// About them.
    pub summary_meta: SummaryMeta,
}

/// About the samples of a recording.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SamplesMeta)]
pub struct SummaryMeta {
    /// How many hits there are.
    pub hits_count: usize,
    /// How many loops.
    pub loops_count: usize,
    /// How many phrases.
    pub phrases_count: usize,
    /// Identical requests have the same.
    pub cache_key: String,
    /// Was everything found by earlier requests?
    pub cache_hit: bool,
    /// Of each detector that was asked for: names everything but the request that changes a result.
    pub backend_versions: BTreeMap<Detector, String>,
    /// As asked for.
    pub min_quality_score: f64,
    /// Score and place of each artifact, by detector.
    pub score_details: BTreeMap<Detector, BTreeMap<Id, ScoreDetail>>,
    /// How many were left out for their score, by detector.
    pub filtered_counts: BTreeMap<Detector, u64>,
    /// How many more there were than one call gives, by detector; the best were kept.
    pub cut_off_counts: BTreeMap<Detector, u64>,
    /// Why a detector gave nothing; null when all that were asked for ran.
    pub errors: Option<BTreeMap<Detector, DetectorError>>,
}

/// How good a sample is, and where it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct ScoreDetail {
    /// 0 to 1.
    pub score: f64,
    /// Where the slice begins in the recording, in milliseconds.
    pub offset_ms: MediaTime,
}

/// Why a detector gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DetectorError {
    /// As the detector alone would answer it.
    pub code: &'static str,
    /// For a person.
    pub detail: String,
}
