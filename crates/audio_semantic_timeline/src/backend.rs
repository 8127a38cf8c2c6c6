//! Analysis backends, and the choice of the one that runs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use audio_asr::{Models, RejectionThresholds};
use audio_fingerprint::Landmark;
use audio_signal::{Control, WaveformPyramid};
use media_decode::{DecoderKind, MediaInput};
use media_time::MediaTime;
use media_v2::AssetDecoder;
use serde_json::{Map, Value};

use crate::model::{AudioEvent, BeatEvent, Dependencies, LoudnessWindow, TempoCandidate};
use crate::speakers::{DetectedSpeaker, SpeakerTurn};
use crate::{EffectiveParams, Error};

mod dependencies;
mod measured;
mod microphones;
mod progress;
mod signal;
mod speakers;
mod speech_from_words;
mod stub;
mod whisper;

pub use signal::SignalBackend;
pub use speakers::SpeakerModelStore;
pub(crate) use speakers::read as read_samples;
pub use stub::StubBackend;
pub use whisper::WhisperBackend;

/// The available analysis backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendKind {
    /// Signal analysis and transcription. Its name in earlier documents, `whisper_librosa`, is accepted.
    WhisperAubio,
    /// Signal analysis without transcription.
    Signal,
    /// A deterministic pattern without measurement, for tests and missing dependencies.
    Stub,
}

/// The replacement for a backend that cannot run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The stub: every request succeeds, and the meta marks the result as not measured.
    Stub,
    /// Signal analysis without transcription.
    Signal,
    /// No replacement: 503 `backend_unavailable`.
    Error,
}

impl BackendKind {
    /// The backend's name in configuration and meta.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WhisperAubio => "whisper_aubio",
            Self::Signal => "signal",
            Self::Stub => "stub",
        }
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BackendKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "whisper_aubio" | "whisper_librosa" => Ok(Self::WhisperAubio),
            "signal" => Ok(Self::Signal),
            "stub" => Ok(Self::Stub),
            other => Err(format!("unknown backend `{other}`: expected whisper_aubio, signal or stub")),
        }
    }
}

impl FromStr for Fallback {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "stub" => Ok(Self::Stub),
            "signal" => Ok(Self::Signal),
            "error" => Ok(Self::Error),
            other => Err(format!("unknown fallback `{other}`: expected stub, signal or error")),
        }
    }
}

/// A recording to analyse.
pub struct Recording {
    /// The recording's bytes and decoders.
    pub input: MediaInput,
    /// Probed duration, if known.
    pub probed_duration: Option<MediaTime>,
    /// The decoder chosen by the prober; `None` if version 1 of the prober decoded the recording correctly.
    pub decoder: Option<AssetDecoder>,
    /// Whether the landmarks of the recording are wanted, too.
    pub include_landmarks: bool,
}

/// The result of a backend's analysis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Duration of the analysed audio in milliseconds.
    pub duration_ms: i64,
    /// See [`crate::model::Summary::events`].
    pub events: Vec<AudioEvent>,
    /// See [`crate::model::Summary::beats`].
    pub beats: Vec<BeatEvent>,
    /// Loudness of consecutive windows.
    pub loudness_windows: Vec<LoudnessWindow>,
    /// Tempo in beats per minute.
    pub tempo_bpm: Option<f64>,
    /// Alternative tempi, best first.
    pub tempo_candidates: Vec<TempoCandidate>,
    /// Integrated loudness in LUFS, gated.
    pub integrated_lufs: Option<f64>,
    /// Loudness range in LU.
    pub loudness_range_lu: Option<f64>,
    /// Maximum momentary loudness in LUFS.
    pub momentary_max_lufs: Option<f64>,
    /// Maximum short-term loudness in LUFS.
    pub short_term_max_lufs: Option<f64>,
    /// True peak in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// Language of the words.
    pub language: Option<String>,
    /// The speakers; `None` if not requested or not detectable.
    pub speakers: Option<Vec<DetectedSpeaker>>,
    /// The speakers' turns, ordered by start.
    pub speaker_turns: Vec<SpeakerTurn>,
    /// The decoder that was used; `None` if nothing was decoded.
    pub decoder: Option<DecoderKind>,
    /// Further notes for the timeline's meta.
    pub analysis: Map<String, Value>,
    /// Peaks of the mix at several resolutions; `None` if nothing was decoded or the decoding is doubted.
    pub waveform: Option<WaveformPyramid>,
    /// Landmarks of the mix, by which the recording can be found; `None` if they were not requested or nothing was decoded.
    pub landmarks: Option<Vec<Landmark>>,
}

/// Analyses a recording into a timeline. The same recording, parameters and [`version`](AnalysisBackend::version) give
/// the same result, bit for bit.
pub trait AnalysisBackend: Send + Sync + fmt::Debug {
    /// The kind of this backend.
    fn kind(&self) -> BackendKind;

    /// Covers everything that affects a result, except recording and parameters. Letters, digits and `. _ : - + =`.
    fn version(&self, params: &EffectiveParams) -> String;

    /// Version of the timeline's semantics.
    fn semantic_version(&self) -> &'static str {
        "audio_semantic_v1"
    }

    /// Name of the speech model.
    fn model_used(&self) -> String;

    /// Whether the backend supports this language code. Backends without transcription accept all.
    fn knows_language(&self, _code: &str) -> bool {
        true
    }

    /// Whether the backend can translate to English. Backends without transcription accept it.
    fn can_translate(&self) -> bool {
        true
    }

    /// Analyses `recording`. Blocks and is expensive: call it on a worker thread.
    ///
    /// # Errors
    /// [`Error::Signal`] with the errors of [`audio_signal::analyze`], and [`Error::Transcription`].
    fn analyze(
        &self,
        recording: Recording,
        params: &EffectiveParams,
        control: &Control<'_>,
    ) -> Result<Measured, Error>;
}

/// The backend for a request, and the reason for it.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The backend that runs.
    pub backend: Arc<dyn AnalysisBackend>,
    /// The backend that the configuration requests.
    pub requested: BackendKind,
    /// Why the two differ, if they do.
    pub fallback_reason: Option<String>,
    /// The dependencies of the backends, with the error of the missing one.
    pub dependencies: Dependencies,
}

/// The configured analysis backends, with their models.
#[derive(Clone, Debug)]
pub struct Backends {
    requested: BackendKind,
    fallback: Fallback,
    whisper_model: String,
    models: Arc<Models>,
    speaker_models: Arc<SpeakerModelStore>,
    signal: Arc<SignalBackend>,
    stub: Arc<StubBackend>,
}

impl Backends {
    /// `whisper_model` is a name in the directory of `models`, or a path; the speaker models are in the same directory.
    #[must_use]
    pub fn new(
        requested: BackendKind,
        fallback: Fallback,
        whisper_model: String,
        models: Arc<Models>,
        signal: SignalBackend,
    ) -> Self {
        // Two threads are no faster on windows of 10 s.
        let speaker_models = SpeakerModelStore::new(models.directory().path().to_owned(), 1);
        Self {
            requested,
            fallback,
            whisper_model,
            models,
            speaker_models: Arc::new(speaker_models),
            signal: Arc::new(signal),
            stub: Arc::new(StubBackend),
        }
    }

    /// Chooses the backend for a request, detecting models that were added, removed or changed. Blocks while a new
    /// model is loaded.
    ///
    /// # Errors
    /// [`Error::BackendUnavailable`] when the configured backend cannot run and no fallback is allowed.
    pub fn select(&self) -> Result<Selection, Error> {
        match self.requested {
            BackendKind::Signal => Ok(self.selection(self.signal.clone(), None)),
            BackendKind::Stub => Ok(self.selection(self.stub.clone(), None)),
            BackendKind::WhisperAubio => match self.models.open(&self.whisper_model) {
                Ok(model) => {
                    let whisper =
                        WhisperBackend::new(self.signal.clone(), model, RejectionThresholds::DEFAULT);
                    Ok(self.selection(Arc::new(whisper), None))
                }
                Err(error) => self.fall_back(error.to_string()),
            },
        }
    }

    /// The transcribing backend with the named model of the model directory, or with the configured one, without a
    /// fallback. Blocks while a new model is loaded.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`]; [`Error::BackendUnavailable`] if transcription is not configured or the model cannot
    /// run.
    pub fn select_speech(&self, model: Option<&str>) -> Result<Selection, Error> {
        if self.requested != BackendKind::WhisperAubio {
            let reason = format!("the configured backend `{}` does not transcribe", self.requested);
            return Err(Error::BackendUnavailable(reason));
        }
        let configured = self.models.directory().locate(&self.whisper_model);
        let name = match model {
            None => &self.whisper_model,
            Some(name) if name == configured.name => &self.whisper_model,
            // Only a name is accepted: with a path, callers could probe any file.
            Some(name) if self.is_in_directory(name)? => name,
            Some(name) => return Err(Error::ModelNotFound(name.to_owned())),
        };
        let model = self.models.open(name).map_err(|error| Error::BackendUnavailable(error.to_string()))?;
        let whisper = WhisperBackend::new(self.signal.clone(), model, RejectionThresholds::DEFAULT);
        Ok(self.selection(Arc::new(whisper), None))
    }

    fn is_in_directory(&self, name: &str) -> Result<bool, Error> {
        let present = self.models.directory().present();
        let present = present.map_err(|error| Error::BackendUnavailable(error.to_string()))?;
        Ok(present.iter().any(|model| model.name == name && model.requested == name))
    }

    /// As [`Self::select`], with speaker diarization if `params` request it. Blocks.
    ///
    /// # Errors
    /// As [`Self::select`]; missing speaker models are reported as a fallback reason.
    pub fn select_for(&self, params: &EffectiveParams) -> Result<Selection, Error> {
        Ok(self.speaker_models.apply(self.select()?, params))
    }

    /// The store of the speaker models.
    #[must_use]
    pub const fn speaker_models(&self) -> &Arc<SpeakerModelStore> {
        &self.speaker_models
    }

    fn fall_back(&self, reason: String) -> Result<Selection, Error> {
        match self.fallback {
            Fallback::Stub => Ok(self.selection(self.stub.clone(), Some(reason))),
            Fallback::Signal => Ok(self.selection(self.signal.clone(), Some(reason))),
            Fallback::Error => Err(Error::BackendUnavailable(reason)),
        }
    }

    fn selection(&self, backend: Arc<dyn AnalysisBackend>, fallback_reason: Option<String>) -> Selection {
        let dependencies = dependencies::snapshot(fallback_reason.clone());
        Selection { backend, requested: self.requested, fallback_reason, dependencies }
    }
}
