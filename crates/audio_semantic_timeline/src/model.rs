//! Wire types: what callers send and get, and what is stored.

use http_kit::Id;
use media_time::MediaTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::speakers::{Speaker, SpeakerTurn, SpeakersOption};

/// What can be heard in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Somebody speaks.
    Speech,
    /// Music, sung or not.
    Music,
    /// Nothing, or as good as nothing.
    Silence,
    /// Anything else: noise, ambience, effects.
    Other,
}

/// A span of the timeline and what can be heard in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioEvent {
    /// What it is.
    pub kind: EventKind,
    /// First millisecond.
    pub start_ms: i64,
    /// First millisecond after; greater than `start_ms`.
    pub end_ms: i64,
    /// Loudness of the span in LUFS (ITU-R BS.1770-4, ungated); null for digital silence.
    pub loudness_lufs: Option<f64>,
    /// How sure the analysis is of `kind`, 0 to 1.
    pub confidence: Option<f64>,
    /// The words spoken, when they are known.
    pub transcription: Option<String>,
    /// Who speaks most in it, as one of `meta.speakers` (`S1`, `S2` …); null where speakers were not asked for or not found.
    pub speaker_id: Option<String>,
    /// More about the span.
    pub meta: EventMeta,
}

/// More about an event. What does not apply is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventMeta {
    /// `music` when speech stands over music.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub background: Option<String>,
    /// Is the music sung?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sung: bool,
    /// True where two speakers speak at the same time somewhere in the span.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overlap: bool,
    /// The words of `transcription`, each with its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// Whatever else an imported timeline says.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A spoken word. `timing` says whether its time was `measured` or `interpolated`, `language` its language in a recording of
/// several. Where speakers were asked for, `speaker_id` is who speaks it (null where nobody was found) and `overlap` is true
/// where another speaks at the same time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Word {
    /// As written, with its punctuation.
    pub word: String,
    /// First millisecond.
    pub start_ms: i64,
    /// First millisecond after.
    pub end_ms: i64,
    /// 0 to 1.
    pub confidence: Option<f64>,
    /// Whatever else is known; see above.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A beat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeatEvent {
    /// When it falls, in milliseconds.
    pub time_ms: i64,
    /// Its number, from 0 at the first beat of the recording.
    pub beat_index: i64,
    /// The number of its bar.
    pub bar_index: i64,
    /// Its place in the bar, from 0, when the metre is known.
    pub subdivision: Option<i64>,
}

/// Loudness of one of the consecutive windows that `loudness_window_ms` asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoudnessWindow {
    /// First millisecond.
    pub start_ms: i64,
    /// First millisecond after.
    pub end_ms: i64,
    /// LUFS, ungated; null for digital silence.
    pub loudness_lufs: Option<f64>,
}

/// A semantic timeline, as stored and as returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// The recording.
    pub asset_id: Id,
    /// The artifact that was analysed, when it was not the recording itself.
    pub artifact_id: Option<Id>,
    /// Length in milliseconds.
    pub duration_ms: i64,
    /// Sorted, without overlap, covering `[0, duration_ms)` without gap (unless a stub was asked to
    /// leave speech and music out).
    pub events: Vec<AudioEvent>,
    /// Sorted, strictly increasing.
    pub beats: Vec<BeatEvent>,
    /// How it was made.
    pub meta: SummaryMeta,
}

/// How a timeline was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SummaryMeta {
    /// Everything that describes the run; also the artifact's meta.
    #[serde(flatten)]
    pub run: RunMeta,
    /// Loudness over time.
    #[serde(default)]
    #[schema(required)]
    pub loudness_windows: Vec<LoudnessWindow>,
    /// Who speaks when, by begin; absent without speakers. Events and words take their speakers from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub speaker_turns: Vec<SpeakerTurn>,
    /// Only on a timeline cut to a clip.
    #[serde(flatten)]
    #[schema(value_type = SliceMeta)]
    pub clip: Option<SliceMeta>,
}

/// What describes a run of the analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunMeta {
    /// The model behind the speech part (`silero-v6`, a Whisper model's name, `stub`).
    pub model_used: String,
    /// The backend that ran.
    pub backend: String,
    /// Names everything that changes a result; part of the cache key.
    pub backend_version: String,
    /// `whisper_aubio`, `signal` or `stub`.
    pub backend_type: String,
    /// The backend the configuration asks for.
    pub requested_backend: String,
    /// Why another backend than the requested one ran.
    pub fallback_reason: Option<String>,
    /// The version of the timeline's meaning.
    pub semantic_version: String,
    /// Were beats asked for?
    pub include_beats: bool,
    /// Were speech and music to be told apart?
    pub include_speech_music: bool,
    /// The effective value.
    pub min_silence_ms: i64,
    /// The effective value.
    pub loudness_window_ms: i64,
    /// The audio stream that was asked for; absent for the container's default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u32, required = false)]
    pub audio_stream: Option<u32>,
    /// The language of the transcription, as given or as detected; null without one.
    pub language: Option<String>,
    /// The speakers of the recording, by first appearance; absent where they were not asked for or the models are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Speaker>, required = false)]
    pub speakers: Option<Vec<Speaker>>,
    /// Up to which playback speed (or its inverse) times may be used unscaled without harm.
    pub speed_change_limit: f64,
    /// What the timeline is found by: see [`cache_key()`](crate::cache_key()).
    pub audio_semantic_cache_key: String,
    /// Which parts were there, in which version.
    pub backend_info: BackendInfo,
    /// The tempo, in beats per minute.
    pub tempo_bpm: Option<f64>,
    /// Other tempi that fit, best first.
    #[serde(default)]
    #[schema(required)]
    pub tempo_candidates: Vec<TempoCandidate>,
    /// Integrated loudness (EBU R 128) in LUFS; null when there is nothing above the gate.
    pub integrated_lufs: Option<f64>,
    /// Loudness range (EBU Tech 3342) in LU.
    pub loudness_range_lu: Option<f64>,
    /// What else the backend has to say, for example damaged parts of the file.
    #[serde(default)]
    #[schema(required)]
    pub analysis: Map<String, Value>,
}

/// A tempo that fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TempoCandidate {
    /// Beats per minute.
    pub bpm: f64,
    /// How well it fits, 0 to 1; all together at most 1.
    pub weight: f64,
}

/// The parts of a backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackendInfo {
    /// `audio_semantic_timeline`.
    pub service: String,
    /// As in the meta.
    pub backend_version: String,
    /// The parts.
    pub dependencies: Dependencies,
}

/// The parts of the backends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dependencies {
    /// Speech to text.
    pub whisper: Dependency,
    /// Onsets and beats.
    pub aubio: Dependency,
    /// Speech detection.
    pub vad: Dependency,
    /// From file to samples.
    pub decoder: Dependency,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dependency {
    /// Can it be used?
    pub available: bool,
    /// Its version, when it can.
    pub version: Option<String>,
    /// Why it cannot.
    #[serde(default)]
    pub error: Option<String>,
}

/// What cutting to a clip adds to the meta; absent from a whole timeline's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SliceMeta {
    /// The clip's in and out point in the source, in milliseconds.
    #[schema(required = false)]
    pub clip_window_ms: [MediaTime; 2],
    /// Always true: times start at the clip's in point.
    #[schema(required = false)]
    pub clip_relative: bool,
    /// The clip's playback speed. Times are source time: they are not scaled by it.
    #[schema(required = false)]
    pub speed_change: f64,
    /// True when the speed is not 1: scaling times is then the caller's.
    #[schema(required = false)]
    pub speed_change_limited: bool,
}

/// `POST /audio/semantic-timeline/analyze`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeRequest {
    /// In place of `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// In place of `X-Env`.
    pub env: Option<String>,
    /// In place of `X-User-Id`.
    pub user_id: Option<String>,
    /// The recording.
    pub asset_id: Id,
    /// An artifact of that recording, to be analysed in its place.
    pub artifact_id: Option<Id>,
    /// Find beats and tempo.
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub include_beats: bool,
    /// Tell speech and music apart.
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub include_speech_music: bool,
    /// The shortest silence that is an event, in milliseconds; clamped to 50–10 000.
    #[serde(default = "default_min_silence_ms", deserialize_with = "min_silence_ms_or_null")]
    #[schema(default = default_min_silence_ms)]
    pub min_silence_ms: i64,
    /// Length of the loudness windows in milliseconds; clamped to 100–10 000.
    #[serde(default = "default_loudness_window_ms", deserialize_with = "loudness_window_ms_or_null")]
    #[schema(default = default_loudness_window_ms)]
    pub loudness_window_ms: i64,
    /// Language of the speech (ISO 639-1, as Whisper names them); detected in each part of the recording when not given.
    pub language: Option<String>,
    /// Text that the speech model sees as if it had been said before: names, spelling, style. At most 1 000 characters.
    #[schema(max_length = 1_000)]
    pub prompt: Option<String>,
    /// Words that are likely to be said, of at most 50 characters each.
    #[schema(max_items = 100)]
    pub hot_words: Option<Vec<String>>,
    /// Find out who speaks when: `true`, or bounds of the number of speakers.
    pub speakers: Option<SpeakersOption>,
    /// Write English, whatever is spoken; needs a multilingual model.
    #[serde(default = "no", deserialize_with = "no_or_null")]
    #[schema(default = no)]
    pub translate: bool,
    /// The audio stream to analyse, by its index among the audio streams of the recording (`codec_info` lists them); the
    /// container's default one when not given.
    pub audio_stream: Option<u32>,
}

http_kit::context_fields!(AnalyzeRequest);

http_kit::field_default!(yes, yes_or_null: bool = true);
http_kit::field_default!(no, no_or_null: bool = false);
http_kit::field_default!(default_min_silence_ms, min_silence_ms_or_null: i64 = 300);
http_kit::field_default!(default_loudness_window_ms, loudness_window_ms_or_null: i64 = 1_000);

/// Answer of `analyze`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AnalyzeResponse {
    /// The timeline's artifact.
    pub audio_semantic_artifact_id: Id,
    /// Where its bytes are.
    pub uri: String,
    /// The artifact's meta, what this request adds to it, and whether it was there before.
    pub meta: AnalyzeMeta,
}

/// Meta of the answer of `analyze`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AnalyzeMeta {
    /// The artifact's meta.
    #[serde(flatten)]
    pub artifact: Map<String, Value>,
    /// Parameters of this request that were out of range.
    pub clamped: Vec<Clamped>,
    /// Was the timeline there already?
    pub cache_hit: bool,
}

/// A parameter that was out of range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Clamped {
    /// Its name.
    pub parameter: &'static str,
    /// What was asked for.
    pub requested: i64,
    /// What was used.
    pub effective: i64,
}

/// A timeline and its artifact.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimelineResponse {
    /// The timeline's artifact.
    pub artifact_id: Id,
    /// Where its bytes are.
    pub uri: String,
    /// The timeline.
    pub summary: Summary,
    /// The artifact's meta.
    pub artifact_meta: Map<String, Value>,
}
