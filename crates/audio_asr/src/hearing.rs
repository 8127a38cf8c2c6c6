//! One window of speech in; its words, what was rejected of it, and what stays without words out.
//!
//! What is heard depends on the window and the options alone, so windows can be heard in any order.

use std::collections::BTreeMap;
use std::ops::Range;

use media_time::Window;

use crate::gates::{self, normal};
use crate::packing::Packed;
use crate::phrases::{self, Phrase};
use crate::placing::{self, Voiced};
use crate::{
    AsrError, Decoding, Gates, Language, Pass, Rejection, Search, Timing, Transcriber, coverage, edges,
};

/// Speech without words is decoded again as a window of its own, and what then is without words, up to this often.
const MOST_PARTS: u32 = 3;
/// What is decoded again has so much of its surroundings, in samples: 0.2 s.
const SURROUNDINGS: usize = crate::RATE as usize / 5;
/// A phrase said more often in a row is checked: is it a loop of the decoder? A single word may come more often ("no, no").
const MOST_REPEATS: usize = 2;
const MOST_WORD_REPEATS: usize = 8;
/// The level that a window is brought to, as RMS, and its highest peak. The model hears level-dependent features.
const LEVEL: f32 = 0.1;
const PEAK: f32 = 0.95;

/// A piece of decoded text that was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Where it would have been spoken.
    pub window: Window,
    /// Why.
    pub reason: Rejection,
}

/// A second or more of speech for which there are no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untranscribed {
    /// The speech.
    pub window: Window,
    /// Why what was decoded of it was rejected; none where nothing was decoded.
    pub reason: Option<Rejection>,
}

/// How windows are heard.
pub(crate) struct Hearing<'a, T: ?Sized> {
    pub(crate) transcriber: &'a T,
    pub(crate) gates: Gates,
    pub(crate) prompt: &'a str,
    pub(crate) translate: bool,
    /// Where somebody speaks, in samples of the recording.
    pub(crate) speech: &'a [Range<u64>],
}

/// A word of a window, in samples of the recording.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeardWord {
    pub(crate) text: String,
    pub(crate) range: Range<u64>,
    pub(crate) confidence: f32,
    pub(crate) timing: Timing,
}

/// What was heard in a window, in samples of the recording.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// In order.
    pub(crate) words: Vec<HeardWord>,
    pub(crate) rejected: Vec<(Range<u64>, Rejection)>,
    pub(crate) untranscribed: Vec<(Range<u64>, Option<Rejection>)>,
    /// Samples that the model was given, and in how many windows; tries with another search count again.
    pub(crate) samples: usize,
    pub(crate) windows: u32,
}

impl<T: Transcriber + ?Sized> Hearing<'_, T> {
    /// Hears a window.
    ///
    /// # Errors
    /// Those of the transcriber.
    pub(crate) fn hear(
        &self,
        window: &Packed,
        language: Language,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Heard, AsrError> {
        let mut run = Run { hearing: self, language, cancelled, heard: Heard::default() };
        run.part(window, 0..window.samples.len(), 0)?;
        let mut heard = run.heard;
        heard.words.sort_by_key(|word| word.range.start);
        heard.untranscribed.sort_by_key(|(range, _)| range.start);
        heard.rejected.sort_by_key(|(range, _)| range.start);
        Ok(heard)
    }
}

/// The speech of a phrase that is believed, or why it is not.
type Verdict = Result<Vec<Voiced>, Rejection>;

/// The hearing of one window.
struct Run<'a, 'h, T: ?Sized> {
    hearing: &'a Hearing<'h, T>,
    language: Language,
    cancelled: &'a dyn Fn() -> bool,
    heard: Heard,
}

impl<T: Transcriber + ?Sized> Run<'_, '_, T> {
    /// Hears a part of the window, which is the whole of it at first. Words are kept within the range `inner` of it: what is
    /// around has words already.
    fn part(&mut self, window: &Packed, inner: Range<usize>, parted: u32) -> Result<(), AsrError> {
        let voiced = placing::voiced(window, self.hearing.speech);
        let sounds = edges::sounds(&window.samples);
        let mut words: Vec<Range<usize>> = Vec::new();
        let mut rejected: Vec<(Range<usize>, Rejection)> = Vec::new();
        for pass in self.decode(&window.samples)? {
            for (phrase, verdict) in self.verdicts(&pass, window, &voiced)? {
                match verdict {
                    Ok(speech) => {
                        let placed = placing::place(&phrase, &speech, &sounds);
                        words.extend(self.keep(&phrase, placed, &inner, window));
                    }
                    Err(reason) => rejected.push((place_of(&phrase, &voiced), reason)),
                }
            }
        }
        words.sort_by_key(|word| word.start);
        let audible = audible(&voiced, &sounds);
        let gaps = coverage::without_words(&audible, &words, window.samples.len());
        for gap in &gaps {
            let reason = rejected.iter().find(|(range, _)| range.start < gap.end && gap.start < range.end);
            if parted < MOST_PARTS && !words.is_empty() {
                // Its own verdicts take the place of those on the first try.
                let around = gap.start.saturating_sub(SURROUNDINGS)..gap.end + SURROUNDINGS;
                let inner = gap.start - around.start..gap.end - around.start;
                self.part(&window.cut(&around), inner, parted + 1)?;
            } else {
                let ranges = window.sources(gap);
                self.heard
                    .untranscribed
                    .extend(ranges.map(|range| (range, reason.map(|(_, reason)| *reason))));
            }
        }
        let is_final = |range: &Range<usize>| {
            let overlaps = |gap: &Range<usize>| range.start < gap.end && gap.start < range.end;
            words.is_empty() || parted == MOST_PARTS || !gaps.iter().any(overlaps)
        };
        let last = rejected.into_iter().filter(|(range, _)| is_final(range));
        self.heard.rejected.extend(last.map(|(range, reason)| (window.source(&range), reason)));
        Ok(())
    }

    /// Decodes samples: greedily, and where that is doubtful once more with beams. The better of both counts.
    fn decode(&mut self, samples: &[f32]) -> Result<Vec<Pass>, AsrError> {
        let samples = levelled(samples);
        let first = self.transcribe(&samples, Search::Greedy)?;
        if !self.is_doubtful(&first) {
            return Ok(first);
        }
        let second = self.transcribe(&samples, Search::Beam)?;
        let is_better = match (self.is_repetitive(&first), self.is_repetitive(&second)) {
            (true, false) => true,
            (false, true) => false,
            _ => mean_log_probability(&second) > mean_log_probability(&first),
        };
        Ok(if is_better { second } else { first })
    }

    fn transcribe(&mut self, samples: &[f32], search: Search) -> Result<Vec<Pass>, AsrError> {
        self.heard.samples += samples.len();
        self.heard.windows += 1;
        let Hearing { transcriber, prompt, translate, .. } = *self.hearing;
        let decoding = Decoding { language: self.language, search, prompt, translate };
        transcriber.transcribe(samples, decoding, self.cancelled)
    }

    fn is_doubtful(&self, passes: &[Pass]) -> bool {
        // Where nobody seems to speak and nothing is sure, another try would only find other words for it.
        let is_unsure = |pass: &Pass| {
            self.is_speech(pass) && pass.mean_log_probability() < self.hearing.gates.log_probability
        };
        passes.iter().any(is_unsure) || self.is_repetitive(passes)
    }

    fn is_speech(&self, pass: &Pass) -> bool {
        let gates = &self.hearing.gates;
        pass.no_speech <= gates.no_speech || pass.mean_log_probability() >= gates.log_probability
    }

    fn is_repetitive(&self, passes: &[Pass]) -> bool {
        let phrases = passes.iter().flat_map(|pass| phrases::phrases(pass, self.language));
        let highest = self.hearing.gates.compression_ratio;
        phrases.into_iter().any(|phrase| gates::compression_ratio(&phrase.text()) > highest)
    }

    /// The phrases of a pass, each with its speech, or why it is not believed.
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
        let looped = self.looped(&phrases, window, voiced)?;
        let gates = &self.hearing.gates;
        let is_speech = self.is_speech(pass);
        let verdict = |(index, phrase): (usize, Phrase)| {
            let text = phrase.text();
            let speech = placing::speech_of(&phrase, voiced);
            let verdict = if !is_speech {
                Err(Rejection::NoSpeech)
            } else if gates::compression_ratio(&text) > gates.compression_ratio {
                Err(Rejection::Repetitive)
            } else if looped.contains(&index) {
                Err(Rejection::Loop)
            } else if speech.is_empty() {
                Err(Rejection::OutsideSpeech)
            } else if gates::too_fast(text.chars().count(), placing::seconds(&speech)) {
                Err(Rejection::TooFast)
            } else {
                Ok(speech)
            };
            (phrase, verdict)
        };
        Ok(phrases.into_iter().enumerate().map(verdict).collect())
    }

    /// Leaves out of a repetitive phrase what the decoder repeated: what was said there is decoded again.
    fn cut_loop(&self, phrase: &mut Phrase) {
        if gates::compression_ratio(&phrase.text()) <= self.hearing.gates.compression_ratio {
            return;
        }
        let words: Vec<String> = phrase.words.iter().map(|word| normal(&word.text)).collect();
        if let Some(first) = gates::first_round(&words) {
            phrase.words.truncate(first);
            phrase.end = phrase.words.last().and_then(|word| word.end);
        }
    }

    /// Which phrases repeat the ones before without being spoken: where one is said unusually often in a row, the last of
    /// them is decoded alone. If it is there, all are; else none but the first is believed.
    fn looped(
        &mut self,
        phrases: &[Phrase],
        window: &Packed,
        voiced: &[Voiced],
    ) -> Result<Vec<usize>, AsrError> {
        let texts: Vec<String> = phrases.iter().map(|phrase| normal(&phrase.text())).collect();
        let mut looped = Vec::new();
        let mut first = 0;
        for run in texts.chunk_by(|a, b| a == b) {
            let last = first + run.len() - 1;
            let most = if run[0].contains(' ') { MOST_REPEATS } else { MOST_WORD_REPEATS };
            if run.len() > most && !self.is_spoken(&phrases[last], window, voiced)? {
                looped.extend(first + 1..=last);
            }
            first = last + 1;
        }
        Ok(looped)
    }

    /// Is a phrase heard where it stands, when nothing else is?
    fn is_spoken(&mut self, phrase: &Phrase, window: &Packed, voiced: &[Voiced]) -> Result<bool, AsrError> {
        let place = place_of(phrase, voiced);
        let around = place.start.saturating_sub(SURROUNDINGS)..place.end + SURROUNDINGS;
        let samples = levelled(&window.cut(&around).samples);
        let passes = self.transcribe(&samples, Search::Greedy)?;
        let alone = passes.iter().flat_map(|pass| phrases::phrases(pass, self.language));
        let alone: Vec<String> = alone.map(|phrase| phrase.text()).collect();
        Ok(normal(&alone.join(" ")) == normal(&phrase.text()))
    }

    /// Keeps the words of a phrase whose middle is within `inner`; where they are in the window.
    fn keep(
        &mut self,
        phrase: &Phrase,
        placed: Vec<(Range<usize>, Timing)>,
        inner: &Range<usize>,
        window: &Packed,
    ) -> Vec<Range<usize>> {
        let mut kept = Vec::with_capacity(placed.len());
        for (word, (place, timing)) in phrase.words.iter().zip(placed) {
            if !inner.contains(&usize::midpoint(place.start, place.end)) {
                continue;
            }
            let range = window.source(&place);
            if range.is_empty() {
                self.heard.rejected.push((range, Rejection::OutsideSpeech));
                continue;
            }
            let (text, confidence) = (word.text.clone(), word.probability);
            self.heard.words.push(HeardWord { text, range, confidence, timing });
            kept.push(place);
        }
        kept
    }
}

/// The speech that is sound, where sound can be told from silence: a region of speech has pauses of its own.
fn audible(voiced: &[Voiced], sounds: &[Range<usize>]) -> Vec<Voiced> {
    if sounds.is_empty() {
        return voiced.to_vec();
    }
    sounds.iter().flat_map(|sound| voiced.iter().filter_map(|stretch| stretch.within(sound))).collect()
}

/// Where a phrase is in its window, as its time tokens tell.
fn place_of(phrase: &Phrase, voiced: &[Voiced]) -> Range<usize> {
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

/// The samples at the usual level, so that the level of a recording decides nothing.
fn levelled(samples: &[f32]) -> Vec<f32> {
    let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32;
    let peak = samples.iter().fold(0.0, |peak: f32, sample| peak.max(sample.abs()));
    if peak == 0.0 {
        return samples.to_vec();
    }
    let gain = (LEVEL / power.sqrt()).min(PEAK / peak);
    samples.iter().map(|sample| sample * gain).collect()
}

/// How often each reason was given.
pub(crate) fn counts(rejected: &[Rejected]) -> BTreeMap<Rejection, u32> {
    let mut counts = BTreeMap::new();
    for rejection in rejected {
        *counts.entry(rejection.reason).or_default() += 1;
    }
    counts
}
