use std::ops::Range;
use std::sync::Arc;

use audio_asr::{
    AsrError, Language, Options, RejectionThresholds, SpeechSource, TranscribeError, Transcriber, Transcript,
    WhisperModel,
};
use audio_signal::{Control, LeadResampler, MicrophoneSpeech, Progress, Resampler, SignalError, rounded};
use media_decode::{DecodeError, Decoder, DecoderKind};
use media_time::Window;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::measured;
use super::microphones;
use super::progress::within;
use super::speech_from_words;
use super::{AnalysisBackend, BackendKind, Measured, Recording, SignalBackend};
use crate::model::{AudioEvent, EventKind, Word};
use crate::{EffectiveParams, Error, slice};

/// Changes whenever the result for the same recording, model and parameters may change: with the signal analysis
/// (`signal_v8`), the speech activity detector, the pipeline of `audio_asr` with its retries, and whisper.cpp.
const VERSION: &str = "whisper_aubio_v9";

/// Signal analysis with transcription of the speech.
#[derive(Clone, Debug)]
pub struct WhisperBackend {
    signal: Arc<SignalBackend>,
    model: Arc<WhisperModel>,
    thresholds: RejectionThresholds,
}

impl WhisperBackend {
    /// Transcribes speech detected by `signal` with `model`.
    #[must_use]
    pub const fn new(
        signal: Arc<SignalBackend>,
        model: Arc<WhisperModel>,
        thresholds: RejectionThresholds,
    ) -> Self {
        Self { signal, model, thresholds }
    }

    fn transcribe(
        &self,
        decoder: Decoder,
        speech: &[Window],
        microphones: Option<&MicrophoneSpeech>,
        params: &EffectiveParams,
        control: &Control<'_>,
    ) -> Result<Transcript, Error> {
        if speech.is_empty() {
            return Ok(Transcript::default());
        }
        let options = Options {
            language: params.language.as_deref().and_then(Language::from_code),
            rejection_thresholds: self.thresholds,
            prompt: params.context(),
            translate: params.translate,
        };
        let mut samples = Samples::new(decoder, microphones, control)?;
        audio_asr::transcribe(&*self.model, &mut samples, speech, &options, control.cancelled).map_err(
            |error| match error {
                TranscribeError::Source(error) => error.into(),
                TranscribeError::Asr(AsrError::Cancelled) => DecodeError::Cancelled.into(),
                TranscribeError::Asr(error) => error.into(),
            },
        )
    }
}

impl AnalysisBackend for WhisperBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::WhisperAubio
    }

    fn version(&self, params: &EffectiveParams) -> String {
        let mut version = format!("{VERSION}+{}+s{}", self.model.version(), self.signal.seed());
        for (name, value) in self.signal.thresholds().changed() {
            version += &format!("+{name}={value}");
        }
        for (name, value) in self.thresholds.changed() {
            version += &format!("+{name}={value}");
        }
        if let Some(language) = &params.language {
            version += &format!("+lang={language}");
        }
        if !params.prompt.is_empty() {
            version += &format!("+prompt={}", sha256_prefix(params.prompt.as_bytes()));
        }
        if !params.hot_words.is_empty() {
            // Unambiguous: hot words have no line breaks.
            version += &format!("+hot_words={}", sha256_prefix(params.hot_words.join("\n").as_bytes()));
        }
        if params.translate {
            version += "+translate";
        }
        version
    }

    fn model_used(&self) -> String {
        self.model.name().to_owned()
    }

    fn knows_language(&self, code: &str) -> bool {
        Language::from_code(code).is_some_and(|language| self.model.knows(language))
    }

    fn can_translate(&self) -> bool {
        self.model.is_multilingual()
    }

    fn analyze(
        &self,
        recording: Recording,
        params: &EffectiveParams,
        control: &Control<'_>,
    ) -> Result<Measured, Error> {
        let share = |from, to| move |progress| (control.progress)(within(progress, from, to));
        // Approximate shares of the processing time with a small model.
        let detected = if params.channel_speech { 30 } else { 20 };
        let (signal, channels) = (share(0, 20), share(20, detected));
        let (activity, words) = (share(detected, detected + 5), share(detected + 5, 100));
        let of = |progress| Control { progress, cancelled: control.cancelled };
        let mut analysis = self.signal.listen(&recording, params, &of(&signal))?;
        // Transcription uses the same decoder as the signal analysis.
        let decoder = || match &analysis.decoder {
            DecoderKind::Native => recording.input.decoder(),
            DecoderKind::Ffmpeg(_) => recording.input.ffmpeg_decoder(),
        };
        let microphones =
            if params.channel_speech { Some(microphones::detect(decoder()?, &of(&channels))?) } else { None };
        let speech = if params.include_speech_music {
            audio_signal::speech_activity(decoder()?, &of(&activity))?
        } else {
            Vec::new()
        };
        let mut transcript =
            self.transcribe(decoder()?, &speech, microphones.as_ref(), params, &of(&words))?;
        let (segments, rejected) =
            speech_from_words::reconcile(&analysis.segments, &mut transcript.words, &analysis.loudness);
        analysis.segments = segments;
        transcript.rejected.extend(rejected);
        let mut measured = measured::of(&analysis);
        measured.analysis.insert("transcription".to_owned(), notes(&transcript));
        measured.language = transcript.language.map(|language| language.code().to_owned());
        add_words(&mut measured.events, &transcript);
        if !analysis.suspicions.is_empty() {
            doubt_words(&mut measured.events);
        }
        if let Some(speech) = &microphones {
            microphones::apply(speech, &mut measured);
        }
        Ok(measured)
    }
}

/// The first 16 hexadecimal digits of a text's SHA-256, for the version.
fn sha256_prefix(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Assigns words to the speech and singing events that contain them. A word never extends beyond its event, because
/// both were rounded the same way.
fn add_words(events: &mut [AudioEvent], transcript: &Transcript) {
    let is_mixed = transcript.words.windows(2).any(|pair| pair[0].language != pair[1].language);
    for word in &transcript.words {
        let (start_ms, end_ms) = (word.start.as_millis_round(), word.end.as_millis_round());
        let index = events.partition_point(|event| event.end_ms <= start_ms);
        let event = events.get_mut(index).filter(|event| event.kind == EventKind::Speech || event.meta.sung);
        if let Some(event) = event.filter(|_| start_ms < end_ms) {
            let mut more = Map::from_iter([("timing".to_owned(), word.timing.as_str().into())]);
            if is_mixed {
                more.insert("language".to_owned(), word.language.code().into());
            }
            let confidence = Some(rounded(f64::from(word.confidence), 4));
            event.meta.words.push(Word { word: word.text.clone(), start_ms, end_ms, confidence, more });
        }
    }
    for event in events.iter_mut().filter(|event| !event.meta.words.is_empty()) {
        event.transcription = slice::transcription(&event.meta.words);
    }
}

/// Caps the confidence of words from a suspect decoding.
fn doubt_words(events: &mut [AudioEvent]) {
    for word in events.iter_mut().flat_map(|event| &mut event.meta.words) {
        word.confidence =
            word.confidence.map(|confidence| confidence.min(audio_signal::DOUBTED_CONFIDENCE.into()));
    }
}

/// Statistics of the transcription, rejected text, and speech without words.
fn notes(transcript: &Transcript) -> Value {
    let counts = transcript.rejections();
    let rejected: Map<String, Value> =
        counts.iter().map(|(reason, count)| (reason.as_str().to_owned(), (*count).into())).collect();
    let stretch = |window: Window, reason: &str| {
        let (start_ms, end_ms) = (window.start().as_millis_round(), window.end().as_millis_round());
        json!({ "start_ms": start_ms, "end_ms": end_ms, "reason": reason })
    };
    let rejections =
        transcript.rejected.iter().map(|rejected| stretch(rejected.window, rejected.reason.as_str()));
    let untranscribed = transcript
        .untranscribed
        .iter()
        .map(|silent| stretch(silent.window, silent.reason.map_or(NO_WORDS, audio_asr::Rejection::as_str)));
    json!({
        "words": transcript.words.len(),
        "rejected": rejected,
        "rejections": rejections.take(MAX_RANGES).collect::<Vec<_>>(),
        "untranscribed": untranscribed.take(MAX_RANGES).collect::<Vec<_>>(),
        "language_detected": transcript.language_detected,
        "windows": transcript.windows,
        "retries": transcript.retries,
        "heard_ms": transcript.decoded.as_millis_round(),
    })
}

/// Reason for speech from which no text was decoded.
const NO_WORDS: &str = "no_words";
/// Maximum number of ranges in each list.
const MAX_RANGES: usize = 10_000;

/// Converts a recording to 16 kHz.
enum SpeechResampler {
    /// All channels mixed.
    Mix(Box<Resampler>),
    /// The channel of the microphone that leads.
    Lead(Box<LeadResampler>),
}

impl SpeechResampler {
    /// The leading channel is converted if microphones are given and have speech.
    fn new(decoder: &Decoder, microphones: Option<&MicrophoneSpeech>) -> Result<Self, SignalError> {
        let format = decoder.format();
        let lead = microphones.map(|speech| LeadResampler::new(format.rate, speech)).transpose()?.flatten();
        Ok(match lead {
            Some(lead) => Self::Lead(Box::new(lead)),
            None => Self::Mix(Box::new(Resampler::new(format.rate, &format.layout)?)),
        })
    }

    fn push(&mut self, interleaved: &[f32], out: &mut Vec<f32>) {
        match self {
            Self::Mix(resampler) => resampler.push(interleaved, out),
            Self::Lead(resampler) => resampler.push(interleaved, out),
        }
    }

    fn finish(self, out: &mut Vec<f32>) {
        match self {
            Self::Mix(resampler) => resampler.finish(out),
            Self::Lead(resampler) => resampler.finish(out),
        }
    }
}

/// A recording's samples at 16 kHz, decoded on demand.
struct Samples<'a> {
    decoder: Decoder,
    /// `None` at the end of the recording.
    resampler: Option<SpeechResampler>,
    /// Decoded samples that were not read yet, starting at sample `at`.
    pending: Vec<f32>,
    at: u64,
    control: Control<'a>,
}

impl<'a> Samples<'a> {
    fn new(
        decoder: Decoder,
        microphones: Option<&MicrophoneSpeech>,
        control: &Control<'a>,
    ) -> Result<Self, SignalError> {
        let resampler = Some(SpeechResampler::new(&decoder, microphones)?);
        Ok(Self { decoder, resampler, pending: Vec::new(), at: 0, control: *control })
    }

    /// Removes the pending samples before `sample` and returns them.
    fn advance(&mut self, sample: u64) -> std::vec::Drain<'_, f32> {
        let count = usize::try_from(sample - self.at).unwrap_or(usize::MAX).min(self.pending.len());
        self.at += count as u64;
        self.pending.drain(..count)
    }

    /// Decodes another block; false at the end of the recording.
    fn decode(&mut self) -> Result<bool, SignalError> {
        if (self.control.cancelled)() {
            return Err(DecodeError::Cancelled.into());
        }
        let (position, expected_duration) = (self.decoder.position(), self.decoder.expected_duration());
        (self.control.progress)(Progress { position, expected_duration });
        let Some(resampler) = &mut self.resampler else { return Ok(false) };
        match self.decoder.next_block()? {
            Some(block) => resampler.push(block.samples, &mut self.pending),
            None => {
                if let Some(resampler) = self.resampler.take() {
                    resampler.finish(&mut self.pending);
                }
            }
        }
        Ok(true)
    }
}

impl SpeechSource for Samples<'_> {
    type Error = SignalError;

    fn read(&mut self, samples: Range<u64>, out: &mut Vec<f32>) -> Result<(), SignalError> {
        loop {
            if self.at < samples.start {
                self.advance(samples.start);
            }
            if self.at >= samples.start {
                out.extend(self.advance(samples.end));
            }
            if self.at >= samples.end || !self.decode()? {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The versions of the components that affect the words. When this fails, increase [`VERSION`]: the cache must not
    /// mix results.
    #[test]
    fn version_covers_the_components() {
        let parts = (
            VERSION,
            audio_signal::ALGORITHM_VERSION,
            audio_signal::ACTIVITY_VERSION,
            audio_asr::engine_version(),
        );
        assert_eq!(parts, ("whisper_aubio_v9", "signal_v8", 1, "whisper.cpp 1.8.3".to_owned()));
    }
}
