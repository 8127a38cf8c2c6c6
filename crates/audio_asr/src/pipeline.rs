//! Transcribes the speech of a recording.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use media_time::{MediaTime, Window};

use crate::language::LanguageTracker;
use crate::packing::{PackedWindow, Packer};
use crate::window_transcriber::{WindowTranscriber, WindowTranscript, WindowWord, normalize_level};
use crate::{
    AsrError, Language, RATE, Rejected, Rejection, RejectionThresholds, SpeechSource, TranscribeError,
    Transcriber, Untranscribed, Word, window_transcriber,
};

/// Interval at which cancellation is polled while worker threads run.
const POLL: Duration = Duration::from_millis(20);

/// Number of windows whose languages are detected together.
const LANGUAGE_BATCH: usize = 4;

/// Language, prompt and rejection thresholds of a transcription.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Spoken language; detected per window when `None`.
    pub language: Option<Language>,
    /// Rejection thresholds of hallucination filters.
    pub rejection_thresholds: RejectionThresholds,
    /// Initial prompt: names, spelling, style.
    pub prompt: String,
    /// Whether to translate to English.
    pub translate: bool,
}

/// The transcript of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// The given language, or that of the most words. `None` when none was given and there are no words.
    pub language: Option<Language>,
    /// Whether the language was detected.
    pub language_detected: bool,
    /// The words in order, without overlap.
    pub words: Vec<Word>,
    /// Decoded text that was rejected (phrases, or words of a phrase whose time range is taken), in order.
    pub rejected: Vec<Rejected>,
    /// Speech of at least 1 s without words, in order.
    pub untranscribed: Vec<Untranscribed>,
    /// Duration of the decoded audio, retries included.
    pub decoded: MediaTime,
    /// Number of decodings, retries included.
    pub windows: u32,
    /// Number of retries among them.
    pub retries: u32,
}

impl Transcript {
    /// Number of rejected pieces of text, by reason.
    #[must_use]
    pub fn rejections(&self) -> BTreeMap<Rejection, u32> {
        window_transcriber::counts(&self.rejected)
    }
}

/// Transcribes `speech`, the speech regions of a recording, which are sorted and do not overlap.
///
/// Blocking. Memory is bounded by the windows transcribed at the same time and one more, regardless of the length of
/// the speech. The transcript does not depend on the number of windows transcribed at the same time.
///
/// # Examples
///
/// ```
/// use std::convert::Infallible;
/// use std::ops::Range;
/// use std::path::Path;
///
/// use audio_asr::{ModelDirectory, Models, Options, RATE, SpeechSource, transcribe};
/// use media_time::{MediaTime, Window};
///
/// /// Mono samples at 16 kHz in memory.
/// struct Samples(Vec<f32>);
///
/// impl SpeechSource for Samples {
///     type Error = Infallible;
///
///     fn read(&mut self, samples: Range<u64>, out: &mut Vec<f32>) -> Result<(), Infallible> {
///         let end = (samples.end as usize).min(self.0.len());
///         out.extend(self.0.get(samples.start as usize..end).unwrap_or_default());
///         Ok(())
///     }
/// }
///
/// // The model of spoken digits that is part of the repository.
/// let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models/digits.bin");
/// let model = Models::new(ModelDirectory::new("models".into()), 1, 1).open(&file.to_string_lossy())?;
///
/// // Two seconds of a hum that was taken for speech: no word is made up.
/// let hum = |n: u32| (n as f32 * 120.0 * std::f32::consts::TAU / RATE as f32).sin() * 0.1;
/// let mut recording = Samples((0..2 * RATE).map(hum).collect());
/// let speech = [Window::starting_at(MediaTime::ZERO, MediaTime::from_millis(2_000))];
/// let transcript = transcribe(&*model, &mut recording, &speech, &Options::default(), &|| false)?;
/// assert!(transcript.words.is_empty());
/// assert!(transcript.windows >= 1 && transcript.decoded > MediaTime::ZERO);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`AsrError`]; errors of the source.
pub fn transcribe<T: Transcriber + ?Sized, S: SpeechSource>(
    transcriber: &T,
    source: &mut S,
    speech: &[Window],
    options: &Options,
    cancelled: &dyn Fn() -> bool,
) -> Result<Transcript, TranscribeError<S::Error>> {
    if let Some(language) = options.language.filter(|&language| !transcriber.knows(language)) {
        let model = transcriber.name().to_owned();
        let remedy = "omit the language, or use a multilingual model";
        return Err(AsrError::UnsupportedLanguage { model, language, remedy }.into());
    }
    let speech: Vec<Range<u64>> = speech.iter().filter_map(sample_range).collect();
    let is_detected = options.language.is_none() && transcriber.is_multilingual();
    let mut packer = Packer::new(source, &speech, is_detected);
    let window_transcriber = WindowTranscriber {
        transcriber,
        thresholds: options.rejection_thresholds,
        prompt: &options.prompt,
        translate: options.translate,
        speech: &speech,
    };
    let mut collector = Collector::default();
    let mut tracker = LanguageTracker::new(options.language.unwrap_or(Language::ENGLISH));
    let batch = if is_detected { LANGUAGE_BATCH } else { transcriber.parallelism().max(1) };
    loop {
        let windows = next_windows(&mut packer, batch).map_err(TranscribeError::Source)?;
        if windows.is_empty() {
            break;
        }
        let languages = if is_detected {
            detect_languages(transcriber, &windows, &mut tracker, cancelled)?
        } else {
            vec![tracker.language(); windows.len()]
        };
        let tasks: Vec<(PackedWindow, Language)> = windows.into_iter().zip(languages).collect();
        let transcripts = in_parallel(&tasks, cancelled, |(window, language), cancelled| {
            window_transcriber.transcribe(window, *language, cancelled)
        })?;
        for ((_, language), transcript) in tasks.iter().zip(transcripts) {
            collector.add(transcript, *language);
        }
    }
    Ok(collector.finish(options.language))
}

/// Up to `count` windows; none at the end.
fn next_windows<S: SpeechSource>(
    packer: &mut Packer<'_, S>,
    count: usize,
) -> Result<Vec<PackedWindow>, S::Error> {
    let mut windows = Vec::with_capacity(count);
    while windows.len() < count {
        let Some(window) = packer.next()? else { break };
        windows.push(window);
    }
    Ok(windows)
}

fn detect_languages<T: Transcriber + ?Sized>(
    transcriber: &T,
    windows: &[PackedWindow],
    tracker: &mut LanguageTracker,
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Language>, AsrError> {
    let detected = in_parallel(windows, cancelled, |window, cancelled| {
        transcriber.detect_language(&normalize_level(&window.samples), cancelled)
    })?;
    let lengths: Vec<usize> = windows.iter().map(|window| window.samples.len()).collect();
    Ok(tracker.next(&detected, &lengths))
}

/// Runs `work` on each item in a thread of its own; returns the results in order.
fn in_parallel<I: Sync, R: Send>(
    items: &[I],
    cancelled: &dyn Fn() -> bool,
    work: impl Fn(&I, &dyn Fn() -> bool) -> Result<R, AsrError> + Sync,
) -> Result<Vec<R>, AsrError> {
    if cancelled() {
        return Err(AsrError::Cancelled);
    }
    if let [item] = items {
        return Ok(vec![work(item, cancelled)?]);
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (work, stop) = (&work, &stop);
        let is_stopped = move || stop.load(Ordering::Relaxed);
        let threads: Vec<_> = items.iter().map(|item| scope.spawn(move || work(item, &is_stopped))).collect();
        while threads.iter().any(|thread| !thread.is_finished()) {
            if cancelled() {
                stop.store(true, Ordering::Relaxed);
            }
            std::thread::sleep(POLL);
        }
        let ended = |_| AsrError::Engine("a transcription thread panicked".to_owned());
        threads.into_iter().map(|thread| thread.join().map_err(ended)?).collect()
    })
}

fn sample_range(window: &Window) -> Option<Range<u64>> {
    let sample = |time: MediaTime| u64::try_from(time.to_samples(RATE)).ok();
    let (start, end) = (sample(window.start())?, sample(window.end())?);
    (start < end).then_some(start..end)
}

/// Merges the transcripts of the windows.
#[derive(Default)]
struct Collector {
    transcript: Transcript,
    /// End of the last word, in samples.
    end: u64,
}

impl Collector {
    fn add(&mut self, window: WindowTranscript, language: Language) {
        self.transcript.decoded += MediaTime::from_frames(window.samples as u64, RATE);
        self.transcript.windows += window.decodings;
        self.transcript.retries += window.decodings - 1;
        for word in window.words {
            let start = word.range.start.max(self.end);
            let Some(window) = window_of(&(start..word.range.end)) else {
                let reason = Rejection::OutsideSpeech;
                self.transcript
                    .rejected
                    .extend(window_of(&word.range).map(|window| Rejected { window, reason }));
                continue;
            };
            self.end = word.range.end;
            let (start, end) = (window.start(), window.end());
            let WindowWord { text, confidence, timing, .. } = word;
            self.transcript.words.push(Word { text, start, end, confidence, timing, language });
        }
        let rejected = window.rejected.into_iter();
        let rejected =
            rejected.filter_map(|(range, reason)| Some(Rejected { window: window_of(&range)?, reason }));
        self.transcript.rejected.extend(rejected);
        let silent = window.untranscribed.into_iter();
        let silent =
            silent.filter_map(|(range, reason)| Some(Untranscribed { window: window_of(&range)?, reason }));
        self.transcript.untranscribed.extend(silent);
    }

    fn finish(self, given: Option<Language>) -> Transcript {
        let mut transcript = self.transcript;
        let mut counts: BTreeMap<Language, usize> = BTreeMap::new();
        for word in &transcript.words {
            *counts.entry(word.language).or_default() += 1;
        }
        // Words without a free range come before the rejected phrases of their window.
        transcript.rejected.sort_by_key(|rejected| rejected.window);
        // Of several languages with the most words, the one with the first code.
        let most = counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(language, _)| language);
        transcript.language = given.or(most);
        transcript.language_detected = given.is_none() && most.is_some();
        transcript
    }
}

fn window_of(range: &Range<u64>) -> Option<Window> {
    let time = |sample| MediaTime::from_frames(sample, RATE);
    Window::new(time(range.start), time(range.end)).ok().filter(|window| !window.is_empty())
}

#[cfg(test)]
mod tests;
