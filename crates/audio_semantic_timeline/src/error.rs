use audio_asr::AsrError;
use audio_signal::SignalError;
use audio_speakers::SpeakerError;
use http_kit::Problem;
use media_decode::DecodeError;
use primitives::Id;

use crate::codes::{
    ANALYSIS_CANCELLED, ARTIFACT_OF_ANOTHER_ASSET, BACKEND_UNAVAILABLE, CORRECTION_NOT_FOUND,
    CORRECTION_SUPERSEDED, MODEL_NOT_FOUND, SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE, STALE_BASE_VERSION,
    TIMELINE_NOT_MEASURED, TOO_MANY_CORRECTIONS, TOO_MANY_VOICES, UNSUPPORTED_LANGUAGE, VOICE_NOT_FOUND,
    VOICE_UNCLEAR, WORDS_NOT_FOUND,
};
use crate::corrections::EditError;

/// Why a timeline could not be made or returned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The artifact does not belong to the asset.
    #[error("artifact {artifact_id} does not belong to asset {asset_id}")]
    ArtifactOfAnotherAsset {
        /// The artifact of the request.
        artifact_id: Id,
        /// The asset of the request.
        asset_id: Id,
    },
    /// No timeline exists yet, or none with this id.
    #[error("{0}")]
    SemanticsNotFound(String),
    /// Whisper does not support this language.
    #[error("unsupported language `{0}`: use an ISO 639-1 code such as `en`, or `auto`")]
    UnsupportedLanguage(String),
    /// The selected model does not support this language.
    #[error(
        "the speech model `{model}` does not support the language `{language}`: leave it out, or configure a \
         multilingual model"
    )]
    LanguageNotInModel {
        /// The requested language code.
        language: String,
        /// Name of the speech model.
        model: String,
    },
    /// The selected model supports English only.
    #[error(
        "the speech model `{0}` supports English only and cannot translate: configure a multilingual model"
    )]
    CannotTranslate(String),
    /// A text or list of the request is too long.
    #[error("`{pointer}` has more than {most} {unit}: shorten it")]
    TooLong {
        /// JSON pointer to the field.
        pointer: String,
        /// The maximum number of units.
        most: usize,
        /// The unit that is counted.
        unit: &'static str,
    },
    /// A text of the request has characters that are neither displayed nor spoken.
    #[error("`{pointer}` has control characters: remove them")]
    ControlCharacters {
        /// JSON pointer to the field.
        pointer: String,
    },
    /// A hot word has no characters, or white space only.
    #[error("`{pointer}` is empty; leave it out")]
    EmptyHotWord {
        /// JSON pointer to the word.
        pointer: String,
    },
    /// The model directory has no speech model with this name.
    #[error(
        "there is no speech model `{0}`: use `whisper-1` for the configured one, or the name of one in the model directory"
    )]
    ModelNotFound(String),
    /// The timeline was made without a speech model.
    #[error(
        "the timeline of asset {0} has no words, because it was made without a speech model or without \
         include_speech_music: configure a model and POST /audio/semantic-timeline/analyze again"
    )]
    WordsNotFound(Id),
    /// The edits of a correction as a whole are invalid.
    #[error("{0}")]
    InvalidEdits(String),
    /// An edit of a correction cannot be applied.
    #[error(transparent)]
    InvalidEdit(EditError),
    /// The edits were made for another timeline than the newest.
    #[error(
        "the newest timeline is {artifact_id}, with the version `{version}`: read it, and send its version as \
         base_version"
    )]
    StaleBaseVersion {
        /// The newest correction, or the analysis without one.
        artifact_id: Id,
        /// Its version.
        version: String,
    },
    /// The timeline of the stub, which is invented.
    #[error("timeline {0} is a stub and cannot be corrected: analyse the recording with a real backend")]
    TimelineNotMeasured(Id),
    /// The analysis has the maximum number of corrections.
    #[error(
        "the limit of {most} corrections is reached: send several edits in one correction",
        most = crate::corrections::MAX_CORRECTIONS
    )]
    TooManyCorrections,
    /// The timeline has no correction with this id.
    #[error("the timeline has no correction {0}")]
    CorrectionNotFound(Id),
    /// A newer correction is based on this one.
    #[error("correction {newest} is based on {correction_id}: remove it first")]
    CorrectionSuperseded {
        /// The correction of the request.
        correction_id: Id,
        /// The newest correction.
        newest: Id,
    },
    /// A timeline or transcript cannot be serialized as JSON.
    #[error("the results of asset {asset_id} cannot be written")]
    Unwritable {
        /// Id of the recording.
        asset_id: Id,
        /// The underlying JSON error.
        source: serde_json::Error,
    },
    /// The requested bounds of the number of speakers are invalid.
    #[error(transparent)]
    InvalidSpeakers(audio_speakers::InvalidSpeakerCount),
    /// Speakers were requested both by their voices and by channels.
    #[error("`channel_speech` makes each channel a speaker: leave out `speakers`")]
    SpeakersOfChannels,
    /// A field of a voice enrolment is invalid.
    #[error("{reason}")]
    InvalidVoice {
        /// JSON pointer to the field.
        pointer: &'static str,
        /// The rule that was violated.
        reason: &'static str,
    },
    /// The recording of a voice does not have the requested audio stream.
    #[error("{0}")]
    NoVoiceStream(DecodeError),
    /// The owner has the maximum number of voices.
    #[error("the limit of {most} voices is reached: delete one first", most = crate::voices::MAX_VOICES)]
    TooManyVoices,
    /// No voice has this id.
    #[error("there is no voice {0}")]
    VoiceNotFound(Id),
    /// The speaker models cannot be loaded.
    #[error("voices need the speaker models: {0}")]
    SpeakerModels(audio_speakers::ModelError),
    /// The configured backend cannot run, and no fallback is allowed.
    #[error("the configured analysis backend cannot run: {0}")]
    BackendUnavailable(String),
    /// The recording cannot be analysed.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// Transcription by the speech model failed.
    #[error("the words could not be transcribed")]
    Transcription(#[from] AsrError),
    /// Diarization of the speakers failed.
    #[error("the speakers could not be identified")]
    Speakers(#[from] SpeakerError),
    /// The document of a timeline, which a caller has registered, is invalid.
    #[error("the stored timeline of artifact {artifact_id} cannot be read")]
    SemanticsUnreadable {
        /// Id of the timeline's artifact.
        artifact_id: Id,
        /// The underlying JSON error.
        source: serde_json::Error,
    },
    /// The work queue rejected or interrupted the analysis.
    #[error(transparent)]
    Work(#[from] scheduling::WorkError),
    /// An error of the media store.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// An error of the timeline client.
    #[error(transparent)]
    Timeline(#[from] video_timeline::Error),
    /// A database query failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Signal(error.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::ArtifactOfAnotherAsset { .. } => {
                Self::new(ARTIFACT_OF_ANOTHER_ASSET, &detail).field("/artifact_id", detail)
            }
            Error::SemanticsNotFound(_) => Self::new(SEMANTICS_NOT_FOUND, detail),
            Error::UnsupportedLanguage(_) | Error::LanguageNotInModel { .. } => {
                Self::new(UNSUPPORTED_LANGUAGE, &detail).field("/language", detail)
            }
            Error::CannotTranslate(_) => Self::new(UNSUPPORTED_LANGUAGE, &detail).field("/translate", detail),
            Error::ModelNotFound(_) => Self::new(MODEL_NOT_FOUND, &detail).field("/model", detail),
            Error::WordsNotFound(_) => Self::new(WORDS_NOT_FOUND, detail),
            Error::InvalidEdits(_) => Self::invalid_field("/edits", detail),
            Error::InvalidEdit(edit) => Self::invalid_field(edit.pointer(), edit.detail),
            Error::StaleBaseVersion { artifact_id, version } => Self::new(STALE_BASE_VERSION, detail)
                .with("artifact_id", artifact_id.as_str())
                .with("version", version),
            Error::TimelineNotMeasured(_) => Self::new(TIMELINE_NOT_MEASURED, detail),
            Error::TooManyCorrections => Self::new(TOO_MANY_CORRECTIONS, detail),
            Error::CorrectionNotFound(_) => Self::new(CORRECTION_NOT_FOUND, detail),
            Error::CorrectionSuperseded { newest, .. } => {
                Self::new(CORRECTION_SUPERSEDED, detail).with("artifact_id", newest.as_str())
            }
            Error::Unwritable { .. } => Self::internal(error),
            Error::TooLong { pointer, .. }
            | Error::ControlCharacters { pointer }
            | Error::EmptyHotWord { pointer } => Self::invalid_field(&pointer, detail),
            Error::SpeakersOfChannels => Self::invalid_field("/channel_speech", detail),
            Error::InvalidSpeakers(_) => Self::invalid_field("/speakers", detail),
            Error::InvalidVoice { pointer, .. } => Self::invalid_field(pointer, detail),
            Error::NoVoiceStream(_) => Self::invalid_field("/window/audio_stream", detail),
            Error::TooManyVoices => Self::new(TOO_MANY_VOICES, detail),
            Error::VoiceNotFound(_) => Self::new(VOICE_NOT_FOUND, detail),
            Error::Speakers(
                error @ (SpeakerError::TooLittleSpeech { .. } | SpeakerError::SeveralSpeakers(_)),
            ) => Self::new(VOICE_UNCLEAR, error.to_string()),
            Error::Speakers(SpeakerError::Cancelled) => signal_problem(DecodeError::Cancelled.into()),
            Error::SpeakerModels(_) => Self::new(BACKEND_UNAVAILABLE, detail).retry_after(60),
            Error::BackendUnavailable(_) => Self::new(BACKEND_UNAVAILABLE, detail).retry_after(60),
            Error::Signal(error) => signal_problem(error),
            // Timelines made by harkback are complete; those registered by a caller may have any content.
            Error::SemanticsUnreadable { .. } => Self::new(SEMANTICS_UNREADABLE, detail).caused_by(error),
            Error::Transcription(_) | Error::Speakers(_) => Self::internal(error),
            Error::Work(error) => error.into(),
            Error::Media(error) => error.into(),
            Error::Timeline(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}

fn signal_problem(error: SignalError) -> Problem {
    match error {
        // A client that is still waiting gets this during a shutdown of the server.
        SignalError::Decode(DecodeError::Cancelled) => {
            Problem::new(ANALYSIS_CANCELLED, "the analysis was cancelled").retry_after(1)
        }
        SignalError::Decode(error) => media_v2::decode_problem(error),
        error @ SignalError::Model(_) => Problem::internal(error),
    }
}

impl axum::response::IntoResponse for Error {
    fn into_response(self) -> axum::response::Response {
        Problem::from(self).into_response()
    }
}
