//! Transcribes one window of speech: its words, the rejected text, and the speech that remains without words.
//!
//! The result depends only on the window and the options, so windows can be transcribed in any order.

use std::collections::BTreeMap;
use std::ops::Range;

use media_time::Window;

use crate::packing::Packed;
use crate::phrases::{self, Phrase};
use crate::placing::{self, Voiced};
use crate::rejection::{self, normal};
use crate::{
    AsrError, Decoding, Language, Pass, Rejection, RejectionThresholds, Search, Timing, Transcriber,
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
    pub(crate) gates: RejectionThresholds,
    pub(crate) prompt: &'a str,
    pub(crate) translate: bool,
    /// The speech regions, in samples of the recording.
    pub(crate) speech: &'a [Range<u64>],
}

/// A word and its range in samples of the recording.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimedWord {
    pub(crate) text: String,
    pub(crate) range: Range<u64>,
    pub(crate) confidence: f32,
    pub(crate) timing: Timing,
}

/// The transcript of a window; ranges are in samples of the recording.
#[derive(Debug, Default)]
pub(crate) struct WindowTranscript {
    /// The words, sorted by start.
    pub(crate) words: Vec<TimedWord>,
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
        window: &Packed,
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
type Verdict = Result<Vec<Voiced>, Rejection>;

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
    fn run(&mut self, window: &Packed, inner: Range<usize>, depth: u32) -> Result<(), AsrError> {
        let voiced = placing::voiced(window, self.shared.speech);
        let activity = audio_activity::detect(&window.samples);
        let mut words: Vec<Range<usize>> = Vec::new();
        let mut rejected: Vec<(Range<usize>, Rejection)> = Vec::new();
        for pass in self.decode(&window.samples)? {
            for (phrase, verdict) in self.verdicts(&pass, window, &voiced)? {
                match verdict {
                    Ok(speech) => {
                        let placed = placing::place(&phrase, &speech, &activity);
                        let at = window.source(&range_of(&phrase, &voiced));
                        words.extend(self.keep(&phrase, placed, &inner, window, &at));
                    }
                    Err(reason) => rejected.push((range_of(&phrase, &voiced), reason)),
                }
            }
        }
        words.sort_by_key(|word| word.start);
        let active = active_speech(&voiced, &activity);
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
    fn decode(&mut self, samples: &[f32]) -> Result<Vec<Pass>, AsrError> {
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

    fn decode_once(&mut self, samples: &[f32], search: Search) -> Result<Vec<Pass>, AsrError> {
        self.transcript.samples += samples.len();
        self.transcript.decodings += 1;
        let WindowTranscriber { transcriber, prompt, translate, .. } = *self.shared;
        let decoding = Decoding { language: self.language, search, prompt, translate };
        transcriber.transcribe(samples, decoding, self.cancelled)
    }

    fn is_doubtful(&self, passes: &[Pass]) -> bool {
        // Without speech, a retry would only hallucinate other words.
        let is_unsure = |pass: &Pass| {
            self.is_speech(pass) && pass.mean_log_probability() < self.shared.gates.log_probability
        };
        passes.iter().any(is_unsure) || self.is_repetitive(passes)
    }

    fn is_speech(&self, pass: &Pass) -> bool {
        let gates = &self.shared.gates;
        pass.no_speech <= gates.no_speech || pass.mean_log_probability() >= gates.log_probability
    }

    fn is_repetitive(&self, passes: &[Pass]) -> bool {
        let phrases = passes.iter().flat_map(|pass| phrases::phrases(pass, self.language));
        let highest = self.shared.gates.compression_ratio;
        phrases.into_iter().any(|phrase| rejection::compression_ratio(&phrase.text()) > highest)
    }

    /// The phrases of a pass with their verdicts.
    fn verdicts(
        &mut self,
        pass: &Pass,
        window: &Packed,
        voiced: &[Voiced],
    ) -> Result<Vec<(Phrase, Verdict)>, AsrError> {
        let mut phrases = phrases::phrases(pass, self.language);
        for phrase in &mut phrases {
            self.cut_loop(phrase);
        }
        let loops = self.unverified_repeats(&phrases, window, voiced)?;
        let gates = &self.shared.gates;
        let is_speech = self.is_speech(pass);
        let verdict = |(index, phrase): (usize, Phrase)| {
            let text = phrase.text();
            let speech = placing::speech_of(&phrase, voiced);
            let verdict = if !is_speech {
                Err(Rejection::NoSpeech)
            } else if rejection::compression_ratio(&text) > gates.compression_ratio {
                Err(Rejection::Repetitive)
            } else if loops.contains(&index) {
                Err(Rejection::Loop)
            } else if speech.is_empty() {
                Err(Rejection::OutsideSpeech)
            } else if rejection::too_fast(text.chars().count(), placing::seconds(&speech)) {
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
        if rejection::compression_ratio(&phrase.text()) <= self.shared.gates.compression_ratio {
            return;
        }
        let words: Vec<String> = phrase.words.iter().map(|word| normal(&word.text)).collect();
        if let Some(first) = rejection::first_round(&words) {
            phrase.words.truncate(first);
            phrase.end = phrase.words.last().and_then(|word| word.end);
        }
    }

    /// Indices of repeated phrases that are decoder loops. The last phrase of a long run is decoded on its own: if its
    /// text is the same, the whole run is accepted, otherwise only the first phrase.
    fn unverified_repeats(
        &mut self,
        phrases: &[Phrase],
        window: &Packed,
        voiced: &[Voiced],
    ) -> Result<Vec<usize>, AsrError> {
        let texts: Vec<String> = phrases.iter().map(|phrase| normal(&phrase.text())).collect();
        let mut loops = Vec::new();
        let mut first = 0;
        for run in texts.chunk_by(|a, b| a == b) {
            let last = first + run.len() - 1;
            let allowed = if run[0].contains(' ') { MAX_REPEATS } else { MAX_WORD_REPEATS };
            if run.len() > allowed && !self.is_repeated(&phrases[last], window, voiced)? {
                loops.extend(first + 1..=last);
            }
            first = last + 1;
        }
        Ok(loops)
    }

    /// Whether decoding a phrase's audio on its own gives the same text.
    fn is_repeated(&mut self, phrase: &Phrase, window: &Packed, voiced: &[Voiced]) -> Result<bool, AsrError> {
        let place = range_of(phrase, voiced);
        let context = place.start.saturating_sub(CONTEXT)..place.end + CONTEXT;
        let samples = normalize_level(&window.cut(&context).samples);
        let passes = self.decode_once(&samples, Search::Greedy)?;
        let alone = passes.iter().flat_map(|pass| phrases::phrases(pass, self.language));
        let alone: Vec<String> = alone.map(|phrase| phrase.text()).collect();
        Ok(normal(&alone.join(" ")) == normal(&phrase.text()))
    }

    /// Keeps the words of a phrase at `at` whose midpoint is within `inner`, and returns their ranges in the window.
    fn keep(
        &mut self,
        phrase: &Phrase,
        placed: Vec<(Range<usize>, Timing)>,
        inner: &Range<usize>,
        window: &Packed,
        at: &Range<u64>,
    ) -> Vec<Range<usize>> {
        let mut kept = Vec::with_capacity(placed.len());
        for (word, (place, timing)) in phrase.words.iter().zip(placed) {
            if !inner.contains(&usize::midpoint(place.start, place.end)) {
                continue;
            }
            let range = window.source(&place);
            if range.is_empty() {
                self.transcript.rejected.push((at.clone(), Rejection::OutsideSpeech));
                continue;
            }
            let (text, confidence) = (word.text.clone(), word.probability);
            self.transcript.words.push(TimedWord { text, range, confidence, timing });
            kept.push(place);
        }
        kept
    }
}

/// The active parts of speech regions, without their pauses; the whole regions if no activity was detected.
fn active_speech(voiced: &[Voiced], activity: &[Range<usize>]) -> Vec<Voiced> {
    if activity.is_empty() {
        return voiced.to_vec();
    }
    activity.iter().flat_map(|range| voiced.iter().filter_map(|section| section.within(range))).collect()
}

/// The range of a phrase's speech in its window, by its time tokens.
fn range_of(phrase: &Phrase, voiced: &[Voiced]) -> Range<usize> {
    let speech = placing::speech_of(phrase, voiced);
    match speech.first().zip(speech.last()) {
        Some((first, last)) => first.at..last.at + last.len,
        None => phrase.start.unwrap_or(0)..phrase.start.unwrap_or(0) + 1,
    }
}

fn mean_log_probability(passes: &[Pass]) -> f32 {
    let sum: f32 = passes.iter().map(Pass::mean_log_probability).sum();
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
