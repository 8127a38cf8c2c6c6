//! Description of an analysis run, and of the backends' dependencies.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::backend::BackendKind;
use crate::corrections::Correction;
use crate::speakers::Speaker;

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
