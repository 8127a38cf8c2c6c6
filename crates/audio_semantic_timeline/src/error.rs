use audio_asr::AsrError;
use audio_signal::SignalError;
use audio_speakers::SpeakerError;
use http_kit::{Id, Problem};
use media_decode::DecodeError;

/// Why a timeline was not made or not found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The artifact is none of the asset's.
    #[error("artifact {artifact_id} was not made of asset {asset_id}")]
    ArtifactOfAnotherAsset {
        /// The artifact asked for.
        artifact_id: Id,
        /// The asset asked for.
        asset_id: Id,
    },
    /// No timeline was made yet, or of that id.
    #[error("{0}")]
    SemanticsNotFound(String),
    /// Whisper has no such language.
    #[error(
        "`{0}` is no language of the speech models: give an ISO 639-1 code such as `en`, or leave it out"
    )]
    UnsupportedLanguage(String),
    /// The model in use does not know it.
    #[error(
        "the speech model `{model}` does not know the language `{language}`: leave it out, or have the service run a \
         multilingual model"
    )]
    LanguageNotInModel {
        /// As given.
        language: String,
        /// The model's name.
        model: String,
    },
    /// The model in use knows one language only.
    #[error(
        "the speech model `{0}` knows English only and cannot translate: have the service run a multilingual model"
    )]
    CannotTranslate(String),
    /// A text of the request is too long.
    #[error("`{pointer}` has more than {most} {unit}: shorten it")]
    TooLong {
        /// JSON pointer to it.
        pointer: String,
        /// The limit.
        most: usize,
        /// Of what.
        unit: &'static str,
    },
    /// No speech model of that name.
    #[error(
        "there is no speech model `{0}`: give `whisper-1` for the configured one, or the name of another in the model directory"
    )]
    ModelNotFound(String),
    /// No speech model has looked for words.
    #[error(
        "the timeline of asset {0} was made without a speech model and has no words: configure one and POST \
         /audio/semantic-timeline/analyze again"
    )]
    WordsNotFound(Id),
    /// A transcript cannot be written as JSON.
    #[error("the transcript of asset {asset_id} cannot be written")]
    Unwritable {
        /// Its recording.
        asset_id: Id,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Bounds of the number of speakers that cannot be met.
    #[error(transparent)]
    InvalidSpeakers(audio_speakers::InvalidSpeakerCount),
    /// A description of a voice against the rules.
    #[error("{reason}")]
    InvalidVoice {
        /// JSON pointer to the field.
        pointer: &'static str,
        /// The rule.
        reason: &'static str,
    },
    /// The recording of a voice has no such audio stream.
    #[error("{0}")]
    NoVoiceStream(DecodeError),
    /// The owner has the most voices allowed.
    #[error("there are {most} voices already, the most allowed: delete one first", most = crate::voices::MOST_VOICES)]
    TooManyVoices,
    /// No voice of that id.
    #[error("there is no voice {0}")]
    VoiceNotFound(Id),
    /// The speaker models cannot be used.
    #[error("voices need the speaker models: {0}")]
    SpeakerModels(audio_speakers::ModelError),
    /// The configured backend cannot run.
    #[error("the configured analysis backend cannot run: {0}")]
    BackendUnavailable(String),
    /// The recording cannot be analysed.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The words cannot be had.
    #[error("the words could not be transcribed")]
    Transcription(#[from] AsrError),
    /// The speakers cannot be found.
    #[error("the speakers could not be found")]
    Speakers(#[from] SpeakerError),
    /// The stored timeline is not one.
    #[error("the stored timeline of artifact {artifact_id} cannot be read")]
    Corrupt {
        /// Its artifact.
        artifact_id: Id,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Too many analyses.
    #[error(transparent)]
    Work(#[from] http_kit::WorkError),
    /// The media store.
    #[error(transparent)]
    Media(#[from] media_v2::MediaError),
    /// The timeline client.
    #[error(transparent)]
    Timeline(#[from] video_timeline::Error),
    /// The database.
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
                Self::unprocessable("artifact_of_another_asset", &detail).field("/artifact_id", detail)
            }
            Error::SemanticsNotFound(_) => Self::not_found("semantics_not_found", detail),
            Error::UnsupportedLanguage(_) | Error::LanguageNotInModel { .. } => {
                Self::unprocessable("unsupported_language", &detail).field("/language", detail)
            }
            Error::CannotTranslate(_) => {
                Self::unprocessable("unsupported_language", &detail).field("/translate", detail)
            }
            Error::ModelNotFound(_) => Self::not_found("model_not_found", &detail).field("/model", detail),
            Error::WordsNotFound(_) => Self::unprocessable("words_not_found", detail),
            Error::Unwritable { .. } => Self::internal(error),
            Error::TooLong { pointer, .. } => Self::invalid_field(&pointer, detail),
            Error::InvalidSpeakers(_) => Self::invalid_field("/speakers", detail),
            Error::InvalidVoice { pointer, .. } => Self::invalid_field(pointer, detail),
            Error::NoVoiceStream(_) => Self::invalid_field("/window/audio_stream", detail),
            Error::TooManyVoices => Self::unprocessable("too_many_voices", detail),
            Error::VoiceNotFound(_) => Self::not_found("voice_not_found", detail),
            Error::Speakers(
                error @ (SpeakerError::TooLittleSpeech { .. } | SpeakerError::SeveralSpeakers(_)),
            ) => Self::unprocessable("voice_unclear", error.to_string()),
            Error::Speakers(SpeakerError::Cancelled) => signal_problem(DecodeError::Cancelled.into()),
            Error::SpeakerModels(_) => Self::unavailable("backend_unavailable", detail, 60),
            Error::BackendUnavailable(_) => Self::unavailable("backend_unavailable", detail, 60),
            Error::Signal(error) => signal_problem(error),
            // Made here it is whole; registered by a caller it may be anything.
            Error::Corrupt { .. } => Self::unprocessable("semantics_unreadable", detail).caused_by(error),
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
        // A client that still waits does so because the server is shutting down.
        SignalError::Decode(DecodeError::Cancelled) => {
            Problem::unavailable("analysis_cancelled", "the analysis was cancelled", 1)
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
