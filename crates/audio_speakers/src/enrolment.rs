//! Enrolment: the voice of the only speaker of a recording.

use crate::diarizer::Diarizer;
use crate::{SpeakerError, SpeakerModels, Voice};

/// Minimum speech of one speaker without overlap for an enrolled voice, in ms.
const ENROLMENT_MS: i64 = 3_000;
/// Minimum share of the speech that the dominant speaker of an enrolment has.
const MIN_DOMINANT_SHARE: f64 = 0.8;

impl SpeakerModels {
    /// The voice of the only speaker in `samples` (16 kHz mono).
    ///
    /// # Errors
    /// [`SpeakerError::TooLittleSpeech`] below 3 s, [`SpeakerError::SeveralSpeakers`] when no speaker has at least 80
    /// % of the speech, [`SpeakerError::Inference`] when a network fails, [`SpeakerError::Cancelled`].
    pub fn voice_of(&self, samples: &[f32], cancelled: &dyn Fn() -> bool) -> Result<Voice, SpeakerError> {
        let mut diarizer = Diarizer::for_enrolment(self);
        diarizer.push(samples)?;
        let found = diarizer.finish(cancelled)?;
        let too_little = |found_ms| SpeakerError::TooLittleSpeech { found_ms, needed_ms: ENROLMENT_MS };
        let total: i64 = found.voices().iter().map(|voice| voice.speech.as_micros()).sum();
        let speakers = found.voices().len();
        let voice = found.voices().iter().max_by_key(|voice| voice.speech).cloned().ok_or(too_little(0))?;
        if (voice.speech.as_micros() as f64) < MIN_DOMINANT_SHARE * total as f64 {
            return Err(SpeakerError::SeveralSpeakers(speakers));
        }
        let found_ms = voice.alone.as_millis_floor();
        if found_ms < ENROLMENT_MS { Err(too_little(found_ms)) } else { Ok(voice) }
    }
}
