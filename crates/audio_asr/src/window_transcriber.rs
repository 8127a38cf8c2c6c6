//! Transcribes one window of speech: its words, the rejected text, and the speech that remains without words.
//!
//! The result depends only on the window and the options, so windows can be transcribed in any order.

use std::collections::BTreeMap;
use std::ops::Range;

use media_time::Window;

use crate::packing::PackedWindow;
use crate::phrases::{self, Phrase};
use crate::rejection::{self, normalized};
use crate::word_alignment::{self, SpeechSpan};
use crate::{
    AsrError, DecoderPass, Decoding, Language, Rejection, RejectionThresholds, Search, Timing, Transcriber,
    audio_activity, coverage,
};

/// Maximum recursion depth when speech without words is decoded again as a window of its own.
const MAX_DEPTH: u32 = 3;
/// Context kept on either side of audio that is decoded again, in samples: 0.2 s.
const CONTEXT: usize = crate::RATE as usize / 5;
/// Consecutive repetitions above which a phrase, or a phrase of one word ("no, no"), is checked for a decoder loop.
const MAX_REPEATS: usize = 2;
const MAX_WORD_REPEATS: usize = 8;
/// Target RMS and maximum peak of a normalized window: Whisper's features depend on the level.
const TARGET_RMS: f32 = 0.1;
const MAX_PEAK: f32 = 0.95;

/// A piece of decoded text that was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The time range of the text.
    pub window: Window,
    /// The filter that rejected it.
    pub reason: Rejection,
}

/// Speech of at least 1 s without words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untranscribed {
    /// The time range of the speech.
    pub window: Window,
    /// The filter that rejected its text; `None` if nothing was decoded.
    pub reason: Option<Rejection>,
}

/// Transcribes windows of one recording.
pub(crate) struct WindowTranscriber<'a, T: ?Sized> {
    pub(crate) transcriber: &'a T,
    pub(crate) thresholds: RejectionThresholds,
    pub(crate) prompt: &'a str,
    pub(crate) translate: bool,
    /// The speech regions, in samples of the recording.
    pub(crate) speech: &'a [Range<u64>],
}

/// A word and its range in samples of the recording.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WindowWord {
    pub(crate) text: String,
    pub(crate) range: Range<u64>,
    pub(crate) confidence: f32,
    pub(crate) timing: Timing,
}

/// The transcript of a window; ranges are in samples of the recording.
#[derive(Debug, Default)]
pub(crate) struct WindowTranscript {
    /// The words, sorted by start.
    pub(crate) words: Vec<WindowWord>,
    pub(crate) rejected: Vec<(Range<u64>, Rejection)>,
    pub(crate) untranscribed: Vec<(Range<u64>, Option<Rejection>)>,
    /// Decoded samples and number of decodings, retries included.
    pub(crate) samples: usize,
    pub(crate) decodings: u32,
}

impl<T: Transcriber + ?Sized> WindowTranscriber<'_, T> {
    /// Transcribes a window, with retries.
    ///
    /// # Errors
    /// Those of the transcriber.
    pub(crate) fn transcribe(
        &self,
        window: &PackedWindow,
        language: Language,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<WindowTranscript, AsrError> {
        let transcript = WindowTranscript::default();
        let mut job = WindowJob { shared: self, language, cancelled, transcript };
        job.run(window, 0..window.samples.len(), 0)?;
        let mut transcript = job.transcript;
        transcript.words.sort_by_key(|word| word.range.start);
        transcript.untranscribed.sort_by_key(|(range, _)| range.start);
        transcript.rejected.sort_by_key(|(range, _)| range.start);
        Ok(transcript)
    }
}

/// The speech that an accepted phrase covers, or the filter that rejected it.
type Verdict = Result<Vec<SpeechSpan>, Rejection>;

/// State while one window is transcribed.
struct WindowJob<'a, 's, T: ?Sized> {
    shared: &'a WindowTranscriber<'s, T>,
    language: Language,
    cancelled: &'a dyn Fn() -> bool,
    transcript: WindowTranscript,
}

impl<T: Transcriber + ?Sized> WindowJob<'_, '_, T> {
    /// Transcribes the window, or a part of it at a greater depth. Only words within `inner` are kept, because the
    /// surrounding context has words already.
    fn run(&mut self, window: &PackedWindow, inner: Range<usize>, depth: u32) -> Result<(), AsrError> {
        let speech_spans = word_alignment::speech_spans(window, self.shared.speech);
        let activity = audio_activity::detect(&window.samples);
        let mut words: Vec<Range<usize>> = Vec::new();
        let mut rejected: Vec<(Range<usize>, Rejection)> = Vec::new();
        for pass in self.decode(&window.samples)? {
            for (phrase, verdict) in self.verdicts(&pass, window, &speech_spans)? {
                match verdict {
                    Ok(speech) => {
                        let aligned = word_alignment::align_words(&phrase, &speech, &activity);
                        let at = window.source(&range_of(&phrase, &speech_spans));
                        words.extend(self.keep(&phrase, aligned, &inner, window, &at));
                    }
                    Err(reason) => rejected.push((range_of(&phrase, &speech_spans), reason)),
                }
            }
        }
        words.sort_by_key(|word| word.start);
        let active = active_speech(&speech_spans, &activity);
        let gaps = coverage::uncovered(&active, &words, window.samples.len());
        for gap in &gaps {
            let reason = rejected.iter().find(|(range, _)| range.start < gap.end && gap.start < range.end);
            if depth < MAX_DEPTH && !words.is_empty() {
                // The verdicts of the retry replace those of this decoding.
                let context = gap.start.saturating_sub(CONTEXT)..gap.end + CONTEXT;
                let inner = gap.start - context.start..gap.end - context.start;
                self.run(&window.cut(&context), inner, depth + 1)?;
            } else {
                let ranges = window.sources(gap);
                self.transcript
                    .untranscribed
                    .extend(ranges.map(|range| (range, reason.map(|(_, reason)| *reason))));
            }
        }
        let is_final = |range: &Range<usize>| {
            let overlaps = |gap: &Range<usize>| range.start < gap.end && gap.start < range.end;
            words.is_empty() || depth == MAX_DEPTH || !gaps.iter().any(overlaps)
        };
        let kept = rejected.into_iter().filter(|(range, _)| is_final(range));
        self.transcript.rejected.extend(kept.map(|(range, reason)| (window.source(&range), reason)));
        Ok(())
    }

    /// Decodes greedily; a doubtful result is decoded again with beam search, and the better result is returned.
    fn decode(&mut self, samples: &[f32]) -> Result<Vec<DecoderPass>, AsrError> {
        let samples = normalize_level(samples);
        let first = self.decode_once(&samples, Search::Greedy)?;
        if !self.is_doubtful(&first) {
            return Ok(first);
        }
        let second = self.decode_once(&samples, Search::Beam)?;
        let is_better = match (self.is_repetitive(&first), self.is_repetitive(&second)) {
            (true, false) => true,
            (false, true) => false,
            _ => mean_log_probability(&second) > mean_log_probability(&first),
        };
        Ok(if is_better { second } else { first })
    }

    fn decode_once(&mut self, samples: &[f32], search: Search) -> Result<Vec<DecoderPass>, AsrError> {
        self.transcript.samples += samples.len();
        self.transcript.decodings += 1;
        let WindowTranscriber { transcriber, prompt, translate, .. } = *self.shared;
        let decoding = Decoding { language: self.language, search, prompt, translate };
        transcriber.transcribe(samples, decoding, self.cancelled)
    }

    fn is_doubtful(&self, passes: &[DecoderPass]) -> bool {
        // Without speech, a retry would only hallucinate other words.
        let is_unsure = |pass: &DecoderPass| {
            self.is_speech(pass)
                && pass.mean_log_probability() < self.shared.thresholds.min_mean_log_probability
        };
        passes.iter().any(is_unsure) || self.is_repetitive(passes)
    }

    fn is_speech(&self, pass: &DecoderPass) -> bool {
        let thresholds = &self.shared.thresholds;
        pass.no_speech <= thresholds.max_no_speech_probability
            || pass.mean_log_probability() >= thresholds.min_mean_log_probability
    }

    fn is_repetitive(&self, passes: &[DecoderPass]) -> bool {
        let phrases = passes.iter().flat_map(|pass| phrases::phrases(pass, self.language));
        let highest = self.shared.thresholds.max_compression_ratio;
        phrases.into_iter().any(|phrase| rejection::compression_ratio(&phrase.text()) > highest)
    }

    /// The phrases of a pass with their verdicts.
    fn verdicts(
        &mut self,
        pass: &DecoderPass,
        window: &PackedWindow,
        speech_spans: &[SpeechSpan],
    ) -> Result<Vec<(Phrase, Verdict)>, AsrError> {
        let mut phrases = phrases::phrases(pass, self.language);
        for phrase in &mut phrases {
            self.cut_loop(phrase);
        }
        let loops = self.unverified_repeats(&phrases, window, speech_spans)?;
        let thresholds = &self.shared.thresholds;
        let is_speech = self.is_speech(pass);
        let verdict = |(index, phrase): (usize, Phrase)| {
            let text = phrase.text();
            let speech = word_alignment::speech_of(&phrase, speech_spans);
            let verdict = if !is_speech {
                Err(Rejection::NoSpeech)
            } else if rejection::compression_ratio(&text) > thresholds.max_compression_ratio {
                Err(Rejection::Repetitive)
            } else if loops.contains(&index) {
                Err(Rejection::Loop)
            } else if speech.is_empty() {
                Err(Rejection::OutsideSpeech)
            } else if rejection::exceeds_speech_rate(
                text.chars().count(),
                word_alignment::duration_s(&speech),
            ) {
                Err(Rejection::TooFast)
            } else {
                Ok(speech)
            };
            (phrase, verdict)
        };
        Ok(phrases.into_iter().enumerate().map(verdict).collect())
    }

    /// Truncates a repetitive phrase after the first round of its loop; the rest of its speech is then decoded again.
    fn cut_loop(&self, phrase: &mut Phrase) {
        if rejection::compression_ratio(&phrase.text()) <= self.shared.thresholds.max_compression_ratio {
            return;
        }
        let words: Vec<String> = phrase.words.iter().map(|word| normalized(&word.text)).collect();
        if let Some(first) = rejection::first_loop_round(&words) {
            phrase.words.truncate(first);
            phrase.end = phrase.words.last().and_then(|word| word.end);
        }
    }

    /// Indices of repeated phrases that are decoder loops. The last phrase of a long run is decoded on its own: if its
    /// text is the same, the whole run is accepted, otherwise only the first phrase.
    fn unverified_repeats(
        &mut self,
        phrases: &[Phrase],
        window: &PackedWindow,
        speech_spans: &[SpeechSpan],
    ) -> Result<Vec<usize>, AsrError> {
        let texts: Vec<String> = phrases.iter().map(|phrase| normalized(&phrase.text())).collect();
        let mut loops = Vec::new();
        let mut first = 0;
        for run in texts.chunk_by(|a, b| a == b) {
            let last = first + run.len() - 1;
            let allowed = if run[0].contains(' ') { MAX_REPEATS } else { MAX_WORD_REPEATS };
            if run.len() > allowed && !self.is_repeated(&phrases[last], window, speech_spans)? {
                loops.extend(first + 1..=last);
            }
            first = last + 1;
        }
        Ok(loops)
    }

    /// Whether decoding a phrase's audio on its own gives the same text.
    fn is_repeated(
        &mut self,
        phrase: &Phrase,
        window: &PackedWindow,
        speech_spans: &[SpeechSpan],
    ) -> Result<bool, AsrError> {
        let range = range_of(phrase, speech_spans);
        let context = range.start.saturating_sub(CONTEXT)..range.end + CONTEXT;
        let samples = normalize_level(&window.cut(&context).samples);
        let passes = self.decode_once(&samples, Search::Greedy)?;
        let alone = passes.iter().flat_map(|pass| phrases::phrases(pass, self.language));
        let alone: Vec<String> = alone.map(|phrase| phrase.text()).collect();
        Ok(normalized(&alone.join(" ")) == normalized(&phrase.text()))
    }

    /// Keeps the words of a phrase at `at` whose midpoint is within `inner`, and returns their ranges in the window.
    fn keep(
        &mut self,
        phrase: &Phrase,
        aligned: Vec<(Range<usize>, Timing)>,
        inner: &Range<usize>,
        window: &PackedWindow,
        at: &Range<u64>,
    ) -> Vec<Range<usize>> {
        let mut kept = Vec::with_capacity(aligned.len());
        for (word, (span, timing)) in phrase.words.iter().zip(aligned) {
            if !inner.contains(&usize::midpoint(span.start, span.end)) {
                continue;
            }
            let range = window.source(&span);
            if range.is_empty() {
                self.transcript.rejected.push((at.clone(), Rejection::OutsideSpeech));
                continue;
            }
            let (text, confidence) = (word.text.clone(), word.probability);
            self.transcript.words.push(WindowWord { text, range, confidence, timing });
            kept.push(span);
        }
        kept
    }
}

/// The active parts of speech regions, without their pauses; the whole regions if no activity was detected.
fn active_speech(speech_spans: &[SpeechSpan], activity: &[Range<usize>]) -> Vec<SpeechSpan> {
    if activity.is_empty() {
        return speech_spans.to_vec();
    }
    activity
        .iter()
        .flat_map(|range| speech_spans.iter().filter_map(|section| section.within(range)))
        .collect()
}

/// The range of a phrase's speech in its window, by its time tokens.
fn range_of(phrase: &Phrase, speech_spans: &[SpeechSpan]) -> Range<usize> {
    let speech = word_alignment::speech_of(phrase, speech_spans);
    match speech.first().zip(speech.last()) {
        Some((first, last)) => first.at..last.at + last.len,
        None => phrase.start.unwrap_or(0)..phrase.start.unwrap_or(0) + 1,
    }
}

fn mean_log_probability(passes: &[DecoderPass]) -> f32 {
    let sum: f32 = passes.iter().map(DecoderPass::mean_log_probability).sum();
    if passes.is_empty() { f32::NEG_INFINITY } else { sum / passes.len() as f32 }
}

/// Scales the samples to the target level, so that the result does not depend on the level of the recording.
pub(crate) fn normalize_level(samples: &[f32]) -> Vec<f32> {
    let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32;
    let peak = samples.iter().fold(0.0, |peak: f32, sample| peak.max(sample.abs()));
    if peak == 0.0 {
        return samples.to_vec();
    }
    let gain = (TARGET_RMS / power.sqrt()).min(MAX_PEAK / peak);
    samples.iter().map(|sample| sample * gain).collect()
}

/// Number of rejections by reason.
pub(crate) fn counts(rejected: &[Rejected]) -> BTreeMap<Rejection, u32> {
    let mut counts = BTreeMap::new();
    for rejection in rejected {
        *counts.entry(rejection.reason).or_default() += 1;
    }
    counts
}
