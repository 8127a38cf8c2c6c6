//! Adds speaker diarization to any backend that decodes: assigns speakers to its events and words.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use audio_signal::{Control, rounded};
use audio_speakers::{Diarization, Diarizer, SpeakerModels, speaker_id};
use media_decode::{Decoder, DecoderKind};

use super::progress::within;
use super::{AnalysisBackend, BackendKind, Measured, Recording, Selection};
use crate::speaker_turns::TurnIndex;
use crate::speakers::{DetectedSpeaker, Speaker, SpeakerBounds, SpeakerTurn};
use crate::{EffectiveParams, Error};

/// The speaker models of a directory, loaded on first use and kept.
pub struct SpeakerModelStore {
    directory: PathBuf,
    threads: usize,
    /// Locked while loading, so concurrent requests load the models once.
    loaded: Mutex<Option<Arc<SpeakerModels>>>,
}

impl fmt::Debug for SpeakerModelStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpeakerModelStore").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl SpeakerModelStore {
    /// Creates a store for the models in `directory`, which run on up to `threads` threads (at least one).
    #[must_use]
    pub const fn new(directory: PathBuf, threads: usize) -> Self {
        Self { directory, threads, loaded: Mutex::new(None) }
    }

    /// Returns the models. The first call loads them and blocks; a failed load is retried on the next call.
    ///
    /// # Errors
    /// [`audio_speakers::ModelError`] if they cannot be loaded.
    pub fn open(&self) -> Result<Arc<SpeakerModels>, audio_speakers::ModelError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(models) = &*loaded {
            return Ok(models.clone());
        }
        let models = Arc::new(SpeakerModels::load(&self.directory, self.threads)?);
        *loaded = Some(models.clone());
        Ok(models)
    }

    /// Adds diarization to `selection` if `params` request it. Without usable models the analysis runs without it, and
    /// the fallback reason contains the error. The stub decodes nothing and has no speakers. Blocks.
    pub(super) fn apply(&self, selection: Selection, params: &EffectiveParams) -> Selection {
        if params.speakers.is_none() || selection.backend.kind() == BackendKind::Stub {
            return selection;
        }
        let (models, missing) = match self.open() {
            Ok(models) => (Some(models), None),
            Err(error) => (None, Some(format!("speakers not identified: {error}"))),
        };
        let reasons: Vec<String> = selection.fallback_reason.into_iter().chain(missing).collect();
        let backend = Arc::new(SpeakersBackend { inner: selection.backend, models });
        let fallback_reason = (!reasons.is_empty()).then(|| reasons.join("; "));
        Selection { backend, fallback_reason, ..selection }
    }
}

/// A backend whose timelines have speakers.
struct SpeakersBackend {
    inner: Arc<dyn AnalysisBackend>,
    /// `None` when the models are missing.
    models: Option<Arc<SpeakerModels>>,
}

impl fmt::Debug for SpeakersBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpeakersBackend").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl AnalysisBackend for SpeakersBackend {
    fn kind(&self) -> BackendKind {
        self.inner.kind()
    }

    fn version(&self, params: &EffectiveParams) -> String {
        let version = self.inner.version(params);
        let Some(bounds) = params.speakers else { return version };
        let models = self.models.as_ref().map_or_else(|| "none".to_owned(), |_| SpeakerModels::version());
        format!("{version}+speakers={models}{}", suffix(bounds))
    }

    fn semantic_version(&self) -> &'static str {
        self.inner.semantic_version()
    }

    fn model_used(&self) -> String {
        self.inner.model_used()
    }

    fn knows_language(&self, code: &str) -> bool {
        self.inner.knows_language(code)
    }

    fn can_translate(&self) -> bool {
        self.inner.can_translate()
    }

    fn analyze(
        &self,
        recording: Recording,
        params: &EffectiveParams,
        control: &Control<'_>,
    ) -> Result<Measured, Error> {
        let (Some(models), Some(bounds)) = (&self.models, params.speakers) else {
            return self.inner.analyze(recording, params, control);
        };
        let input = recording.input.reopen()?;
        // Approximate shares of the processing time.
        let inner = if self.kind() == BackendKind::Signal { 15 } else { 80 };
        let share = |from, to| move |progress| (control.progress)(within(progress, from, to));
        let (first, second) = (share(0, inner), share(inner, 100));
        let of = |progress| Control { progress, cancelled: control.cancelled };
        let mut measured = self.inner.analyze(recording, params, &of(&first))?;
        // Diarization uses the decoder whose samples the inner backend used.
        let decoder = match &measured.decoder {
            Some(DecoderKind::Ffmpeg(_)) => input.ffmpeg_decoder()?,
            _ => input.decoder()?,
        };
        let mut diarizer = Diarizer::new(models, bounds.count()?);
        read(decoder, &of(&second), |samples| {
            diarizer.push(samples)?;
            Ok(ControlFlow::Continue(()))
        })?;
        let found = diarizer.finish(control.cancelled)?;
        measured.speaker_turns = turns(&found);
        TurnIndex::new(&measured.speaker_turns).mark(&mut measured.events);
        measured.speakers = Some(detected(&found));
        Ok(measured)
    }
}

fn suffix(bounds: SpeakerBounds) -> String {
    let bound =
        |name: &str, value: Option<u16>| value.map_or_else(String::new, |value| format!(":{name}{value}"));
    bound("min", bounds.min) + &bound("max", bounds.max)
}

/// Decodes a recording to 16 kHz mono, block by block, until its end or until `push` breaks.
pub(crate) fn read(
    decoder: Decoder,
    control: &Control<'_>,
    push: impl FnMut(&[f32]) -> Result<ControlFlow<()>, Error>,
) -> Result<(), Error> {
    audio_signal::read_mono(decoder, control, push)
}

/// The turns in whole milliseconds; turns that become empty are dropped.
fn turns(found: &Diarization) -> Vec<SpeakerTurn> {
    let turn = |turn: &audio_speakers::Turn| SpeakerTurn {
        speaker_id: speaker_id(turn.speaker),
        start_ms: turn.window.start().as_millis_round(),
        end_ms: turn.window.end().as_millis_round(),
    };
    found.turns().iter().map(turn).filter(|turn| turn.start_ms < turn.end_ms).collect()
}

fn detected(found: &Diarization) -> Vec<DetectedSpeaker> {
    let speaker = |(index, voice): (usize, &audio_speakers::Voice)| DetectedSpeaker {
        speaker: Speaker {
            id: speaker_id(index),
            name: None,
            speech_ms: voice.speech.as_millis_round(),
            confidence: rounded(f64::from(voice.confidence), 4),
        },
        embedding: Some(voice.embedding.clone()),
    };
    found.voices().iter().enumerate().map(speaker).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::Cursor;
    use std::path::Path;

    use audio_signal::{Progress, Thresholds};
    use media_decode::{Decoders, MediaInput};

    use super::*;
    use crate::backend::SignalBackend;

    /// The models in the directory `HARKBACK_MODELS`, if present.
    #[expect(clippy::disallowed_methods, reason = "tests alone use the models")]
    fn models() -> Option<Arc<SpeakerModels>> {
        let directory = PathBuf::from(std::env::var_os("HARKBACK_MODELS").unwrap_or_default());
        let models = SpeakerModelStore::new(directory, 1).open();
        if let Err(error) = &models {
            eprintln!("skipped: HARKBACK_MODELS names no directory with the speaker models: {error}");
        }
        models.ok()
    }

    #[test]
    fn progress_with_speakers_is_monotonic() {
        let Some(models) = models() else { return };
        let inner = Arc::new(SignalBackend::new(Thresholds::DEFAULT, 42, 1).unwrap());
        let backend = SpeakersBackend { inner, models: Some(models) };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/media/digits.wav");
        let bytes = std::fs::read(file).unwrap();
        let input = MediaInput::new(Cursor::new(bytes), Decoders::native());
        let recording = Recording { input, probed_duration: None, decoder: None, include_landmarks: false };
        let params =
            EffectiveParams { speakers: Some(SpeakerBounds::default()), ..EffectiveParams::default() };
        let positions = RefCell::new(Vec::new());
        let progress = |progress: Progress| positions.borrow_mut().push(progress.position);
        let measured =
            backend.analyze(recording, &params, &Control { progress: &progress, cancelled: &|| false });
        assert!(measured.unwrap().speakers.is_some());
        let positions = positions.into_inner();
        assert!(positions.len() > 4 && positions.is_sorted(), "{positions:?}");
    }
}
