//! Speaker diarization behind any backend that decodes: who speaks in its events and words.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use audio_signal::{Control, Progress, Resampler};
use audio_speakers::{Diarization, Diarizer, SpeakerModels, speaker_id};
use media_decode::{DecodeError, Decoder, DecoderKind};
use media_time::{MediaTime, Window};

use super::measured::rounded;
use super::{AnalysisBackend, BackendKind, Measured, Recording, Selection};
use crate::model::{AudioEvent, EventKind};
use crate::speakers::{DetectedSpeaker, Speaker, SpeakerBounds};
use crate::{EffectiveParams, Error};

/// The speaker models of a directory, loaded when they are first needed and kept.
pub struct SpeakerModelStore {
    directory: PathBuf,
    threads: usize,
    /// Held while they load: concurrent requests load them once.
    loaded: Mutex<Option<Arc<SpeakerModels>>>,
}

impl fmt::Debug for SpeakerModelStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpeakerModelStore").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl SpeakerModelStore {
    /// Models in `directory`, run on up to `threads` threads (at least one).
    #[must_use]
    pub const fn new(directory: PathBuf, threads: usize) -> Self {
        Self { directory, threads, loaded: Mutex::new(None) }
    }

    /// The models. Blocking: the first call loads them. Until they can be loaded, each call tries again.
    ///
    /// # Errors
    /// [`audio_speakers::ModelError`].
    pub fn open(&self) -> Result<Arc<SpeakerModels>, audio_speakers::ModelError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(models) = &*loaded {
            return Ok(models.clone());
        }
        let models = Arc::new(SpeakerModels::load(&self.directory, self.threads)?);
        *loaded = Some(models.clone());
        Ok(models)
    }

    /// `selection`, with speakers where `params` ask for them. Without usable models the analysis runs without, and the
    /// fallback reason says why. The stub decodes nothing and has no speakers. Blocking.
    pub(super) fn apply(&self, selection: Selection, params: &EffectiveParams) -> Selection {
        if params.speakers.is_none() || selection.backend.kind() == BackendKind::Stub {
            return selection;
        }
        let (models, missing) = match self.open() {
            Ok(models) => (Some(models), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let reasons: Vec<String> = selection.fallback_reason.into_iter().chain(missing).collect();
        let backend = Arc::new(SpeakersBackend { inner: selection.backend, models });
        let fallback_reason = (!reasons.is_empty()).then(|| reasons.join("; "));
        Selection { backend, fallback_reason, ..selection }
    }
}

/// A backend with speakers in its timelines.
struct SpeakersBackend {
    inner: Arc<dyn AnalysisBackend>,
    /// `None` when they are missing.
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
        let input = recording.input.reopen()?;
        let mut measured = self.inner.analyze(recording, params, control)?;
        let (Some(models), Some(bounds)) = (&self.models, params.speakers) else { return Ok(measured) };
        // Speakers come from the decoder whose samples the inner backend used.
        let decoder = match &measured.decoder {
            Some(DecoderKind::Ffmpeg(_)) => input.decoder_of_ffmpeg()?,
            _ => input.decoder()?,
        };
        let mut diarizer = Diarizer::new(models, bounds.count()?);
        read(decoder, control, |samples| Ok(diarizer.push(samples)?))?;
        let found = diarizer.finish(control.cancelled)?;
        mark(&mut measured.events, &found);
        measured.speakers = Some(detected(&found));
        Ok(measured)
    }
}

fn suffix(bounds: SpeakerBounds) -> String {
    let bound =
        |name: &str, value: Option<u16>| value.map_or_else(String::new, |value| format!(":{name}{value}"));
    bound("min", bounds.min) + &bound("max", bounds.max)
}

/// Decodes a recording to mono at 16 kHz, block by block.
pub(crate) fn read(
    mut decoder: Decoder,
    control: &Control<'_>,
    mut push: impl FnMut(&[f32]) -> Result<(), Error>,
) -> Result<(), Error> {
    let format = decoder.format();
    let mut resampler = Resampler::new(format.rate, &format.layout)?;
    let expected_duration = decoder.expected_duration();
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block()? {
        if (control.cancelled)() {
            return Err(DecodeError::Cancelled.into());
        }
        resampler.push(block.samples, &mut samples);
        push(&samples)?;
        samples.clear();
        (control.progress)(Progress { position: decoder.position(), expected_duration });
    }
    resampler.finish(&mut samples);
    push(&samples)
}

/// Writes the speakers into events of speech and into all words.
fn mark(events: &mut [AudioEvent], found: &Diarization) {
    for event in events {
        if event.kind == EventKind::Speech
            && let Some(speaking) = speaking(found, event.start_ms, event.end_ms)
        {
            event.speaker_id = Some(speaker_id(speaking.speaker));
            event.meta.overlap = speaking.is_overlapped;
        }
        for word in &mut event.meta.words {
            let speaking = speaking(found, word.start_ms, word.end_ms);
            let id = speaking.map(|speaking| speaker_id(speaking.speaker));
            word.more.insert("speaker_id".to_owned(), id.into());
            if speaking.is_some_and(|speaking| speaking.is_overlapped) {
                word.more.insert("overlap".to_owned(), true.into());
            }
        }
    }
}

fn speaking(found: &Diarization, start_ms: i64, end_ms: i64) -> Option<audio_speakers::Speaking> {
    found.speaking(Window::new(MediaTime::from_millis(start_ms), MediaTime::from_millis(end_ms)).ok()?)
}

fn detected(found: &Diarization) -> Vec<DetectedSpeaker> {
    let speaker = |(index, voice): (usize, &audio_speakers::Voice)| DetectedSpeaker {
        speaker: Speaker {
            id: speaker_id(index),
            name: None,
            speech_ms: voice.speech.as_millis_round(),
            confidence: rounded(f64::from(voice.confidence), 4),
        },
        embedding: voice.embedding.clone(),
    };
    found.voices().iter().enumerate().map(speaker).collect()
}
