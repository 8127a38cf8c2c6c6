//! Backends: what turns a recording into a timeline, and which of them runs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use audio_asr::{Gates, Models};
use audio_signal::Control;
use media_decode::{DecoderKind, MediaInput};
use media_time::MediaTime;
use media_v2::AssetDecoder;
use serde_json::{Map, Value};

use crate::model::{AudioEvent, BeatEvent, Dependencies, LoudnessWindow, TempoCandidate};
use crate::speakers::{DetectedSpeaker, SpeakerTurn};
use crate::{EffectiveParams, Error};

mod dependencies;
mod measured;
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

/// The backends there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendKind {
    /// Everything: the signal and the words. `whisper_librosa`, its name in earlier documents, is
    /// accepted.
    WhisperAubio,
    /// The signal without words.
    Signal,
    /// Nothing is measured: a deterministic pattern, for tests and for missing parts.
    Stub,
}

/// What runs in place of a backend that cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The stub: an answer always, and its meta says that nothing was measured.
    Stub,
    /// The signal without words.
    Signal,
    /// Nothing: 503 `backend_unavailable`.
    Error,
}

impl BackendKind {
    /// Its name in configuration and meta.
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
    /// Its bytes, and what decodes them.
    pub input: MediaInput,
    /// Its duration as probed, when it could be.
    pub probed_duration: Option<MediaTime>,
    /// How it is decoded, as probed: none for what version 1 of the prober decoded rightly.
    pub decoder: Option<AssetDecoder>,
}

/// What a backend found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Length in milliseconds.
    pub duration_ms: i64,
    /// See [`crate::model::Summary::events`].
    pub events: Vec<AudioEvent>,
    /// See [`crate::model::Summary::beats`].
    pub beats: Vec<BeatEvent>,
    /// Loudness over time.
    pub loudness_windows: Vec<LoudnessWindow>,
    /// Beats per minute.
    pub tempo_bpm: Option<f64>,
    /// Tempi that fit, best first.
    pub tempo_candidates: Vec<TempoCandidate>,
    /// LUFS, gated.
    pub integrated_lufs: Option<f64>,
    /// LU.
    pub loudness_range_lu: Option<f64>,
    /// The language of the words.
    pub language: Option<String>,
    /// The speakers; none where they were not asked for or could not be found.
    pub speakers: Option<Vec<DetectedSpeaker>>,
    /// Their turns, by begin.
    pub speaker_turns: Vec<SpeakerTurn>,
    /// What decoded the recording; none where nothing was decoded.
    pub decoder: Option<DecoderKind>,
    /// What else there is to say.
    pub analysis: Map<String, Value>,
}

/// Turns a recording into a timeline. The same recording, parameters and
/// [`version`](AnalysisBackend::version) give the same result, bit for bit.
pub trait AnalysisBackend: Send + Sync + fmt::Debug {
    /// Which one it is.
    fn kind(&self) -> BackendKind;

    /// Names everything but recording and parameters that changes a result. Letters, digits and
    /// `. _ : - + =`.
    fn version(&self, params: &EffectiveParams) -> String;

    /// The version of what a timeline means.
    fn semantic_version(&self) -> &'static str {
        "audio_semantic_v1"
    }

    /// The model behind it.
    fn model_used(&self) -> String;

    /// Can it do anything with this language, by its code? What hears no words ignores it.
    fn knows_language(&self, _code: &str) -> bool {
        true
    }

    /// Can it write English of another language? What hears no words ignores it.
    fn can_translate(&self) -> bool {
        true
    }

    /// Analyses `recording`. Blocking, and heavy: call it on a worker thread.
    ///
    /// # Errors
    /// [`Error::Signal`], with those of [`audio_signal::analyze`], and [`Error::Transcription`].
    fn analyze(
        &self,
        recording: Recording,
        params: &EffectiveParams,
        control: &Control<'_>,
    ) -> Result<Measured, Error>;
}

/// Which backend runs, and why.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The one that runs.
    pub backend: Arc<dyn AnalysisBackend>,
    /// The one the configuration asks for.
    pub requested: BackendKind,
    /// Why they differ.
    pub fallback_reason: Option<String>,
    /// The parts, and what is wrong with the one that is missing.
    pub dependencies: Dependencies,
}

/// The configured backends.
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
        // Two threads are no quicker on windows of 10 s.
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

    /// Chooses the backend for a request, now: a model that came, went or changed is noticed. Blocking: a model not
    /// yet in use is loaded.
    ///
    /// # Errors
    /// [`Error::BackendUnavailable`] when the requested one cannot run and nothing may replace it.
    pub fn select(&self) -> Result<Selection, Error> {
        match self.requested {
            BackendKind::Signal => Ok(self.selection(self.signal.clone(), None)),
            BackendKind::Stub => Ok(self.selection(self.stub.clone(), None)),
            BackendKind::WhisperAubio => match self.models.open(&self.whisper_model) {
                Ok(model) => {
                    let whisper = WhisperBackend::new(self.signal.clone(), model, Gates::DEFAULT);
                    Ok(self.selection(Arc::new(whisper), None))
                }
                Err(error) => self.fall_back(error.to_string()),
            },
        }
    }

    /// The speech backend with the model of that name in the model directory, or with the configured one; nothing takes
    /// its place. Blocking: a model not yet in use is loaded.
    ///
    /// # Errors
    /// [`Error::ModelNotFound`]; [`Error::BackendUnavailable`] where words are not configured or the model cannot run.
    pub fn select_speech(&self, model: Option<&str>) -> Result<Selection, Error> {
        if self.requested != BackendKind::WhisperAubio {
            let reason = format!("the configured backend is `{}`, which transcribes nothing", self.requested);
            return Err(Error::BackendUnavailable(reason));
        }
        let configured = self.models.directory().locate(&self.whisper_model);
        let name = match model {
            None => &self.whisper_model,
            Some(name) if name == configured.name => &self.whisper_model,
            // A name only: a path would let callers look at any file.
            Some(name) if self.is_in_directory(name)? => name,
            Some(name) => return Err(Error::ModelNotFound(name.to_owned())),
        };
        let model = self.models.open(name).map_err(|error| Error::BackendUnavailable(error.to_string()))?;
        let whisper = WhisperBackend::new(self.signal.clone(), model, Gates::DEFAULT);
        Ok(self.selection(Arc::new(whisper), None))
    }

    fn is_in_directory(&self, name: &str) -> Result<bool, Error> {
        let present = self.models.directory().present();
        let present = present.map_err(|error| Error::BackendUnavailable(error.to_string()))?;
        Ok(present.iter().any(|model| model.name == name && model.asked == name))
    }

    /// As [`Self::select`], with speakers where `params` ask for them. Blocking.
    ///
    /// # Errors
    /// As [`Self::select`]; missing speaker models are no error but a fallback reason.
    pub fn select_for(&self, params: &EffectiveParams) -> Result<Selection, Error> {
        Ok(self.speaker_models.apply(self.select()?, params))
    }

    /// The speaker models.
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
