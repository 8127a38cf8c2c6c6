use audio_signal::SignalError;

use crate::model::{Dependencies, Dependency};

/// The current state of the dependencies; `missing_model` is the reason for missing speech recognition.
pub(super) fn snapshot(missing_model: Option<String>) -> Dependencies {
    let signal = audio_signal::dependencies();
    let part = |version: fn(audio_signal::Dependencies) -> &'static str| match &signal {
        Ok(parts) => Dependency { available: true, version: Some(version(*parts).to_owned()), error: None },
        Err(error) => missing(error),
    };
    let aubio = part(|parts| parts.aubio);
    Dependencies {
        whisper: Dependency {
            available: missing_model.is_none(),
            version: missing_model.is_none().then(audio_asr::engine_version),
            error: missing_model,
        },
        librosa: Some(aubio.clone()),
        aubio,
        vad: part(|parts| parts.vad),
        decoder: part(|parts| parts.decoder),
    }
}

fn missing(error: &SignalError) -> Dependency {
    Dependency { available: false, version: None, error: Some(error.to_string()) }
}
