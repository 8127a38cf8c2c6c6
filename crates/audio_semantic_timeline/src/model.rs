//! Request, response and stored types.

use media_time::AssetTime;
use primitives::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::EffectiveParams;
use crate::backend::BackendKind;
use crate::corrections::Correction;
use crate::speakers::{Speaker, SpeakerTurn, SpeakersOption};
use crate::tempo_curve::{TempoSegment, tempo_curve};

/// The kind of audio in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Speech, with or without background music.
    Speech,
    /// Music, sung or not.
    Music,
    /// Silence, or a level close to it.
    Silence,
    /// Other audio: noise, ambience, effects.
    Other,
}

/// A span of the timeline with one kind of audio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioEvent {
    /// The kind of audio in the span.
    pub kind: EventKind,
    /// Start time in milliseconds, inclusive.
    pub start_ms: i64,
    /// End in milliseconds, exclusive; greater than `start_ms`.
    pub end_ms: i64,
    /// Loudness of the span in LUFS (ITU-R BS.1770-4, ungated); null for digital silence.
    pub loudness_lufs: Option<f64>,
    /// Energy of the span: the mean square of the K-weighted samples, relative to full scale, summed over the channels. It
    /// is derived from `loudness_lufs` in responses, and not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, required = false)]
    pub energy: Option<f64>,
    /// Confidence in `kind`, 0 to 1.
    pub confidence: Option<f64>,
    /// The transcribed text, if any.
    pub transcription: Option<String>,
    /// The speaker with the most speech in the span, from `meta.speakers` (`S1`, `S2` …); null if speakers were not
    /// requested or not detected.
    pub speaker_id: Option<String>,
    /// Further properties of the span.
    pub meta: EventMeta,
}

/// Further properties of an event. Those that do not apply are omitted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventMeta {
    /// `music` for speech over music.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub background: Option<String>,
    /// Whether the music is sung.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sung: bool,
    /// True if two speakers overlap anywhere in the span.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overlap: bool,
    /// True if a person set an edge, the kind, the speaker or a word of the span. A kind that a person set has no
    /// `confidence`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub corrected: bool,
    /// The words of `transcription` with their times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// Other members of an imported timeline.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A spoken word. `timing` is `measured`, `interpolated`, or `corrected` if a person set the times; `language` is set in a
/// recording with several languages. If speakers were requested, `speaker_id` is the speaker of the word (null if not
/// detected), and `overlap` is true if another speaker overlaps it. `corrected` is true if a person set the word or its
/// speaker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Word {
    /// The word as written, with its punctuation.
    pub word: String,
    /// Start time in milliseconds, inclusive.
    pub start_ms: i64,
    /// End in milliseconds, exclusive.
    pub end_ms: i64,
    /// Confidence, 0 to 1.
    pub confidence: Option<f64>,
    /// Further members; see above.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A beat of the music.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeatEvent {
    /// Time of the beat in milliseconds.
    pub time_ms: i64,
    /// Index from 0 at the first beat of the recording.
    pub beat_index: i64,
    /// Index of its bar.
    pub bar_index: i64,
    /// Index within the bar, from 0; null if the metre is unknown.
    pub subdivision: Option<i64>,
}

/// Loudness of one of the consecutive windows of `loudness_window_ms`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoudnessWindow {
    /// Start time in milliseconds, inclusive.
    pub start_ms: i64,
    /// End in milliseconds, exclusive.
    pub end_ms: i64,
    /// Loudness in LUFS, ungated; null for digital silence.
    pub loudness_lufs: Option<f64>,
}

/// A semantic timeline, as stored and as returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// The recording that was analysed.
    pub asset_id: Id,
    /// The artifact that was analysed instead of the recording itself, if any.
    pub artifact_id: Option<Id>,
    /// Duration of the analysed audio in milliseconds.
    pub duration_ms: i64,
    /// Sorted and non-overlapping, covering `[0, duration_ms)` without gaps (except for a stub without speech and
    /// music).
    pub events: Vec<AudioEvent>,
    /// Sorted by time, strictly increasing.
    pub beats: Vec<BeatEvent>,
    /// Description of the analysis, and further results.
    pub meta: SummaryMeta,
}

impl Summary {
    /// The timeline with what derives from its other members, for responses: the energy of each event, and the tempo curve.
    #[must_use]
    pub fn with_derived(mut self) -> Self {
        for event in &mut self.events {
            event.energy = event.loudness_lufs.map(energy_of_loudness);
        }
        self.meta.tempo_curve = tempo_curve(&self.beats);
        self
    }
}

/// The mean square of a loudness in LUFS (ITU-R BS.1770-4: L = −0.691 + 10 log10 of it), to four significant digits.
fn energy_of_loudness(lufs: f64) -> f64 {
    let energy = 10_f64.powf((lufs + 0.691) / 10.0);
    // Its text has five digits at most, whatever the last bits are.
    format!("{energy:.3e}").parse().unwrap_or(energy)
}

/// Description of the analysis, and further results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SummaryMeta {
    /// Description of the run; also the artifact's meta.
    #[serde(flatten)]
    pub run: RunMeta,
    /// Loudness of consecutive windows.
    #[serde(default)]
    #[schema(required)]
    pub loudness_windows: Vec<LoudnessWindow>,
    /// Turns of the speakers, ordered by start; absent without speakers. The speakers of events and words derive from
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub speaker_turns: Vec<SpeakerTurn>,
    /// The tempo over time, within 1 % of that of the beats; absent without beats. Derived for responses, not stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tempo_curve: Vec<TempoSegment>,
    /// Present only on a timeline cut to a clip.
    #[serde(flatten)]
    #[schema(value_type = SliceMeta)]
    pub clip: Option<SliceMeta>,
}

/// Description of an analysis run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunMeta {
    /// The model for speech (`silero-v6`, a Whisper model's name, `stub`).
    pub model_used: String,
    /// The backend that ran.
    pub backend: String,
    /// Version that covers everything that affects a result; part of the cache key.
    pub backend_version: String,
    /// `whisper_aubio`, `signal` or `stub`; `corrected` for a timeline with a person's corrections.
    pub backend_type: String,
    /// The backend that the configuration requests.
    pub requested_backend: String,
    /// Why another backend than the configured one ran.
    pub fallback_reason: Option<String>,
    /// Version of the timeline's semantics.
    pub semantic_version: String,
    /// Whether beats were requested.
    pub include_beats: bool,
    /// Whether speech and music were to be distinguished.
    pub include_speech_music: bool,
    /// The effective minimum silence in milliseconds.
    pub min_silence_ms: i64,
    /// The effective loudness window in milliseconds.
    pub loudness_window_ms: i64,
    /// The requested audio stream; absent for the container's default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u32, required = false)]
    pub audio_stream: Option<u32>,
    /// True if each channel was treated as one microphone; else absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub channel_speech: bool,
    /// Language of the transcription, as requested or as detected; null without a transcription.
    pub language: Option<String>,
    /// The speakers of the recording, by first appearance; absent if not requested or if the models are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Speaker>, required = false)]
    pub speakers: Option<Vec<Speaker>>,
    /// Maximum playback speed (and its inverse the minimum) at which unscaled times are accurate enough.
    pub speed_change_limit: f64,
    /// The timeline's cache key: see [`cache_key()`](crate::cache_key()).
    pub audio_semantic_cache_key: String,
    /// The dependencies of the backend, with their versions.
    pub backend_info: BackendInfo,
    /// Tempo in beats per minute.
    pub tempo_bpm: Option<f64>,
    /// Alternative tempi, best first.
    #[serde(default)]
    #[schema(required)]
    pub tempo_candidates: Vec<TempoCandidate>,
    /// Integrated loudness (EBU R 128) in LUFS; null when everything is below the gate.
    pub integrated_lufs: Option<f64>,
    /// Loudness range (EBU Tech 3342) in LU.
    pub loudness_range_lu: Option<f64>,
    /// Maximum momentary loudness (EBU R 128, 400 ms) in LUFS; absent for silence, recordings shorter than 400 ms, and
    /// timelines of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, required = false)]
    pub momentary_max_lufs: Option<f64>,
    /// Maximum short-term loudness (EBU R 128, 3 s) in LUFS; absent for silence, recordings shorter than 3 s, and timelines
    /// of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, required = false)]
    pub short_term_max_lufs: Option<f64>,
    /// True peak (ITU-R BS.1770-4, four times oversampled) in dBTP; absent for digital silence and timelines of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, required = false)]
    pub true_peak_dbtp: Option<f64>,
    /// Further notes of the backend, for example on damaged parts of the file.
    #[serde(default)]
    #[schema(required)]
    pub analysis: Map<String, Value>,
    /// The edits of a corrected timeline, and what they were applied to; absent in a measured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Correction, required = false)]
    pub correction: Option<Correction>,
}

impl RunMeta {
    /// Whether the speech was transcribed. A timeline without words of such a run has no speech; that of another run has
    /// words only if a caller registered them.
    #[must_use]
    pub fn is_transcribed(&self) -> bool {
        self.analysis_backend_type() == BackendKind::WhisperAubio.as_str() && self.include_speech_music
    }

    /// `backend_type` of the analysis: of a corrected timeline, that of the one it corrects.
    #[must_use]
    pub fn analysis_backend_type(&self) -> &str {
        match &self.correction {
            Some(correction) => &correction.analysis_backend_type,
            None => &self.backend_type,
        }
    }
}

/// An alternative tempo with its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TempoCandidate {
    /// Tempo in beats per minute.
    pub bpm: f64,
    /// Weight from 0 to 1; all weights together are at most 1.
    pub weight: f64,
}

/// The service and the dependencies of its backends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackendInfo {
    /// Name of the service: always `audio_semantic_timeline`.
    pub service: String,
    /// `backend_version`, as in the meta.
    pub backend_version: String,
    /// The state of each dependency.
    pub dependencies: Dependencies,
}

/// The dependencies of the backends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dependencies {
    /// Speech recognition with whisper.cpp.
    pub whisper: Dependency,
    /// Onset and beat detection.
    pub aubio: Dependency,
    /// The state of `aubio`, which does the work of librosa, for clients of the backend alias `whisper_librosa`; absent in
    /// older timelines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Dependency, required = false)]
    pub librosa: Option<Dependency>,
    /// Detection of speech activity.
    pub vad: Dependency,
    /// Decoding of files to samples.
    pub decoder: Dependency,
}

/// The state of one dependency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dependency {
    /// Whether it can be used.
    pub available: bool,
    /// Its version, if available.
    pub version: Option<String>,
    /// The reason why it is not available.
    #[serde(default)]
    pub error: Option<String>,
}

/// The part of the meta that only a timeline cut to a clip has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SliceMeta {
    /// The clip's in and out point in the source, in milliseconds.
    #[serde(rename = "clip_window_ms")]
    #[schema(required = false)]
    pub clip_window: [AssetTime; 2],
    /// Always true: times are relative to the clip's in point.
    #[schema(required = false)]
    pub clip_relative: bool,
    /// The clip's playback speed. Times are source time and not scaled by it.
    #[schema(required = false)]
    pub speed_change: f64,
    /// True when the speed is not 1, so callers must scale the times.
    #[schema(required = false)]
    pub speed_change_limited: bool,
}

/// Body of `POST /audio/semantic-timeline/analyze`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeRequest {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The recording to analyse.
    pub asset_id: Id,
    /// An artifact of that recording, analysed instead of it.
    pub artifact_id: Option<Id>,
    /// Detect beats and tempo.
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub include_beats: bool,
    /// Distinguish speech and music.
    #[serde(default = "yes", deserialize_with = "yes_or_null")]
    #[schema(default = yes)]
    pub include_speech_music: bool,
    /// Minimum duration of a silence event, in milliseconds; clamped to 50–10 000.
    #[serde(default = "default_min_silence_ms", deserialize_with = "min_silence_ms_or_null")]
    #[schema(default = default_min_silence_ms)]
    pub min_silence_ms: i64,
    /// Duration of the loudness windows in milliseconds; clamped to 100–10 000.
    #[serde(default = "default_loudness_window_ms", deserialize_with = "loudness_window_ms_or_null")]
    #[schema(default = default_loudness_window_ms)]
    pub loudness_window_ms: i64,
    /// Language of the speech (ISO 639-1, as supported by Whisper); detected for each part of the recording by default.
    pub language: Option<String>,
    /// Preceding context for the speech model: names, spelling, style. At most 1 000 characters.
    #[schema(max_length = 1_000)]
    pub prompt: Option<String>,
    /// Words that are likely to occur, of at most 50 characters each.
    #[schema(max_items = 100)]
    pub hot_words: Option<Vec<String>>,
    /// Detect speakers: `true`, or bounds of their number.
    pub speakers: Option<SpeakersOption>,
    /// Translate the speech to English; needs a multilingual model.
    #[serde(default = "no", deserialize_with = "no_or_null")]
    #[schema(default = no)]
    pub translate: bool,
    /// The audio stream to analyse, as an index among the recording's `audio_streams`; the container's default one if
    /// absent.
    pub audio_stream: Option<u32>,
    /// Treat each channel as one microphone and each microphone as one speaker (`CH1`, `CH2` …): cross-talk is attributed to
    /// the louder microphone, and words are transcribed from the leading one. Not together with `speakers`.
    #[serde(default = "no", deserialize_with = "no_or_null")]
    #[schema(default = no)]
    pub channel_speech: bool,
}

http_kit::context_fields!(AnalyzeRequest);

http_kit::field_default!(yes, yes_or_null: bool = true);
http_kit::field_default!(no, no_or_null: bool = false);
http_kit::field_default!(default_min_silence_ms, min_silence_ms_or_null: i64 = EffectiveParams::DEFAULT_MIN_SILENCE_MS);
http_kit::field_default!(default_loudness_window_ms, loudness_window_ms_or_null: i64 = EffectiveParams::DEFAULT_LOUDNESS_WINDOW_MS);

/// Response of the route `analyze`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AnalyzeResponse {
    /// Id of the timeline's artifact.
    pub audio_semantic_artifact_id: Id,
    /// URI of the timeline's bytes.
    pub uri: String,
    /// The artifact's meta, with information about this request.
    pub meta: AnalyzeMeta,
}

/// Meta of the response of `analyze`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AnalyzeMeta {
    /// The meta of the artifact.
    #[serde(flatten)]
    pub artifact: Map<String, Value>,
    /// Parameters of this request that were out of range.
    pub clamped: Vec<Clamped>,
    /// Whether the timeline existed already.
    pub cache_hit: bool,
}

/// A parameter that was out of range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Clamped {
    /// Name of the parameter.
    pub parameter: &'static str,
    /// The value in the request.
    pub requested: i64,
    /// The value that was used.
    pub effective: i64,
}

/// A timeline and its artifact.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimelineResponse {
    /// Id of the timeline's artifact.
    pub artifact_id: Id,
    /// URI of the timeline's bytes.
    pub uri: String,
    /// The timeline, whole or cut to a clip.
    pub summary: Summary,
    /// The meta of the artifact.
    pub artifact_meta: Map<String, Value>,
}
