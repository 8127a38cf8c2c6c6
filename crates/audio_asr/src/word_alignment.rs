//! Aligns the words of a phrase with the speech of its window.

use std::ops::Range;

use crate::audio_activity::snap;
use crate::packing::PackedWindow;
use crate::phrases::Phrase;
use crate::{RATE, Timing};

/// A section of a window with speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpeechSpan {
    /// Start in the window, in samples.
    pub(crate) at: usize,
    /// Length of the section, in samples at 16 kHz.
    pub(crate) len: usize,
}

impl SpeechSpan {
    /// The part within a range of the window; `None` if they do not overlap.
    pub(crate) fn within(self, range: &Range<usize>) -> Option<Self> {
        let (start, end) = (self.at.max(range.start), (self.at + self.len).min(range.end));
        (start < end).then(|| Self { at: start, len: end - start })
    }
}

/// The speech in a window, in order. `speech` is sorted and does not overlap.
pub(crate) fn speech_spans(window: &PackedWindow, speech: &[Range<u64>]) -> Vec<SpeechSpan> {
    let mut found = Vec::new();
    for span in &window.spans {
        let first = speech.partition_point(|region| region.end <= span.source.start);
        for region in speech[first..].iter().take_while(|region| region.start < span.source.end) {
            let start = region.start.max(span.source.start);
            let end = region.end.min(span.source.end);
            let at = span.at + (start - span.source.start) as usize;
            found.push(SpeechSpan { at, len: (end - start) as usize });
        }
    }
    found
}

/// The speech between the time tokens of a phrase.
pub(crate) fn speech_of(phrase: &Phrase, speech_spans: &[SpeechSpan]) -> Vec<SpeechSpan> {
    let range = phrase.start.unwrap_or(0)..phrase.end.unwrap_or(usize::MAX);
    speech_spans.iter().filter_map(|section| section.within(&range)).collect()
}

/// Total duration of speech in seconds.
pub(crate) fn duration_s(speech_spans: &[SpeechSpan]) -> f32 {
    speech_spans.iter().map(|section| section.len).sum::<usize>() as f32 / RATE as f32
}

/// The range of each word of a phrase in the window. Measured boundaries are snapped to `activity`; otherwise the speech of
/// the phrase is divided among its words in proportion to their length.
pub(crate) fn align_words(
    phrase: &Phrase,
    speech: &[SpeechSpan],
    activity: &[Range<usize>],
) -> Vec<(Range<usize>, Timing)> {
    if phrase.words.iter().all(|word| word.end.is_some()) {
        return align_measured(phrase, speech, activity);
    }
    if let ([_], Some(start), Some(end)) = (phrase.words.as_slice(), phrase.start, phrase.end) {
        return vec![(largest_shared(start..end, speech), Timing::Measured)];
    }
    let len: usize = speech.iter().map(|section| section.len).sum();
    let weight = |text: &str| text.chars().count() + 1;
    let whole: usize = phrase.words.iter().map(|word| weight(&word.text)).sum();
    let mut before = 0;
    let mut share = |text: &str| {
        let start = before * len / whole;
        before += weight(text);
        start..before * len / whole
    };
    phrase.words.iter().map(|word| (largest_part(share(&word.text), speech), Timing::Interpolated)).collect()
}

fn align_measured(
    phrase: &Phrase,
    speech: &[SpeechSpan],
    activity: &[Range<usize>],
) -> Vec<(Range<usize>, Timing)> {
    let begin = speech.first().map_or(0, |section| section.at);
    let mut aligned: Vec<(Range<usize>, Timing)> = Vec::new();
    for word in &phrase.words {
        let before = aligned.last().map_or(0, |(range, _)| range.end);
        let start = word.start.or(phrase.start).unwrap_or(begin);
        let end = word.end.unwrap_or(start).max(start);
        let range = snap(start..end, activity);
        let range = range.start..range.end.min(range.start + max_duration(&word.text));
        let start = range.start.max(before.min(range.end));
        aligned.push((start..range.end, Timing::Measured));
    }
    aligned
}

/// Maximum duration of a word, in samples: 0.6 s and 0.1 s per character. The part of a measured word beyond it is
/// speech that the decoder skipped.
fn max_duration(text: &str) -> usize {
    (6 + text.chars().count()) * RATE as usize / 10
}

/// The largest part of a range that is in one section of speech.
fn largest_shared(range: Range<usize>, speech: &[SpeechSpan]) -> Range<usize> {
    let parts = speech.iter().filter_map(|section| section.within(&range));
    parts.map(|part| part.at..part.at + part.len).max_by_key(Range::len).unwrap_or_default()
}

/// The largest contiguous part, in the window, of a range in the concatenated speech.
fn largest_part(range: Range<usize>, speech: &[SpeechSpan]) -> Range<usize> {
    let mut before = 0;
    let mut best = 0..0;
    for section in speech {
        let (start, end) = (range.start.max(before), range.end.min(before + section.len));
        if end > start && end - start > best.len() {
            best = section.at + start - before..section.at + end - before;
        }
        before += section.len;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packing::SourceSpan;
    use crate::phrases::PhraseWord;

    const SHORT: &[Range<usize>] = &[];

    fn phrase(words: &[&str], start: usize, end: usize) -> Phrase {
        let word =
            |text: &&str| PhraseWord { text: (*text).to_owned(), probability: 0.9, start: None, end: None };
        Phrase { words: words.iter().map(word).collect(), start: Some(start), end: Some(end) }
    }

    fn window() -> Vec<SpeechSpan> {
        let spans =
            vec![SourceSpan { at: 0, source: 1_000..3_000 }, SourceSpan { at: 2_000, source: 9_000..11_000 }];
        speech_spans(&PackedWindow { samples: vec![0.0; 4_000], spans }, &[1_200..2_800, 9_200..10_800])
    }

    #[test]
    fn speech_is_found_in_the_window() {
        assert_eq!(window(), [SpeechSpan { at: 200, len: 1_600 }, SpeechSpan { at: 2_200, len: 1_600 }]);
    }

    #[test]
    fn word_between_two_time_tokens_is_measured() {
        let phrase = phrase(&["three"], 2_300, 2_900);
        let aligned = align_words(&phrase, &speech_of(&phrase, &window()), SHORT);
        assert_eq!(aligned, [(2_300..2_900, Timing::Measured)]);
    }

    #[test]
    fn a_measured_word_stays_within_the_speech() {
        let phrase = phrase(&["three"], 1_700, 2_400);
        let aligned = align_words(&phrase, &speech_of(&phrase, &window()), SHORT);
        assert_eq!(aligned, [(2_200..2_400, Timing::Measured)], "200 samples of speech against 100");
    }

    #[test]
    fn words_of_a_phrase_share_its_speech() {
        let phrase = phrase(&["aaa", "bbb", "ccc", "ddd"], 0, 4_000);
        let aligned = align_words(&phrase, &speech_of(&phrase, &window()), SHORT);
        let expected = [200..1_000, 1_000..1_800, 2_200..3_000, 3_000..3_800];
        assert_eq!(aligned, expected.map(|range| (range, Timing::Interpolated)));
    }

    #[test]
    fn measured_words_follow_each_other() {
        let mut phrase = phrase(&["one", "two", "three"], 400, 3_000);
        for (word, end) in phrase.words.iter_mut().zip([1_200, 1_100, 2_900]) {
            word.end = Some(end);
        }
        (phrase.words[1].start, phrase.words[2].start) = (Some(1_200), Some(1_100));
        let aligned: Vec<_> =
            align_words(&phrase, &window(), SHORT).into_iter().map(|(range, _)| range).collect();
        assert_eq!(aligned, [400..1_200, 1_200..1_680, 1_680..2_900]);
    }

    #[test]
    fn phrase_outside_speech_has_no_speech() {
        let phrase = phrase(&["three"], 1_850, 2_150);
        assert!(speech_of(&phrase, &window()).is_empty());
    }
}
