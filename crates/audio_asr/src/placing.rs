//! From a phrase's place in a window to its words' places in the recording.

use std::ops::Range;

use media_time::MediaTime;

use crate::RATE;
use crate::packing::Packed;
use crate::phrases::Phrase;

/// A word and when it was spoken.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// As written, with its punctuation.
    pub text: String,
    /// Its beginning.
    pub start: MediaTime,
    /// Its end, after its beginning.
    pub end: MediaTime,
    /// Probability of its tokens (geometric mean), 0 to 1.
    pub confidence: f32,
    /// Where its times come from.
    pub timing: Timing,
}

/// Where a word's times come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// The model told its beginning and its end.
    Measured,
    /// The model told those of its phrase, and its share of the speech in between was worked out from its length.
    Interpolated,
}

impl Timing {
    /// Its name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Interpolated => "interpolated",
        }
    }
}

/// A stretch of a window in which somebody speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Voiced {
    /// Where it begins in the window.
    pub(crate) at: usize,
    /// Which sample of the recording that is.
    pub(crate) source: u64,
    /// Its length in samples.
    pub(crate) len: usize,
}

impl Voiced {
    /// The part within a range of the window; `None` when there is none.
    fn within(self, range: &Range<usize>) -> Option<Self> {
        let (start, end) = (self.at.max(range.start), (self.at + self.len).min(range.end));
        (start < end).then(|| Self {
            at: start,
            source: self.source + (start - self.at) as u64,
            len: end - start,
        })
    }

    fn source_range(self) -> Range<u64> {
        self.source..self.source + self.len as u64
    }
}

/// The speech within a window, in order. `speech` is sorted and does not overlap.
pub(crate) fn voiced(window: &Packed, speech: &[Range<u64>]) -> Vec<Voiced> {
    let mut found = Vec::new();
    for piece in &window.pieces {
        let first = speech.partition_point(|region| region.end <= piece.source.start);
        for region in speech[first..].iter().take_while(|region| region.start < piece.source.end) {
            let start = region.start.max(piece.source.start);
            let end = region.end.min(piece.source.end);
            let at = piece.at + (start - piece.source.start) as usize;
            found.push(Voiced { at, source: start, len: (end - start) as usize });
        }
    }
    found
}

/// Speech of a phrase: what there is of it between the times the model told.
pub(crate) fn speech_of(phrase: &Phrase, voiced: &[Voiced]) -> Vec<Voiced> {
    let range = phrase.start.unwrap_or(0)..phrase.end.unwrap_or(usize::MAX);
    voiced.iter().filter_map(|stretch| stretch.within(&range)).collect()
}

/// Seconds of speech.
pub(crate) fn seconds(voiced: &[Voiced]) -> f32 {
    voiced.iter().map(|stretch| stretch.len).sum::<usize>() as f32 / RATE as f32
}

/// Where each word of a phrase stands in the recording, within one stretch of its speech: the words share it in
/// proportion to their length, pauses left out.
pub(crate) fn place(phrase: &Phrase, speech: &[Voiced]) -> Vec<(Range<u64>, Timing)> {
    let is_measured = phrase.words.len() == 1 && phrase.start.is_some() && phrase.end.is_some();
    let timing = if is_measured { Timing::Measured } else { Timing::Interpolated };
    let len: usize = speech.iter().map(|stretch| stretch.len).sum();
    let weight = |text: &str| text.chars().count() + 1;
    let whole: usize = phrase.words.iter().map(|word| weight(&word.text)).sum();
    let mut before = 0;
    let mut share = |text: &str| {
        let start = before * len / whole;
        before += weight(text);
        start..before * len / whole
    };
    phrase.words.iter().map(|word| (largest_part(share(&word.text), speech), timing)).collect()
}

/// Of a range of the speech put end to end, the largest part that lies in one stretch.
fn largest_part(range: Range<usize>, speech: &[Voiced]) -> Range<u64> {
    let mut before = 0;
    let mut best = 0..0;
    for stretch in speech {
        let own = Voiced { at: before, ..*stretch };
        before += stretch.len;
        let part = own.within(&range).map(Voiced::source_range).unwrap_or_default();
        if part.end - part.start > best.end - best.start {
            best = part;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packing::Piece;
    use crate::phrases::Spoken;

    fn phrase(words: &[&str], start: usize, end: usize) -> Phrase {
        let word = |text: &&str| Spoken { text: (*text).to_owned(), probability: 0.9 };
        Phrase {
            words: words.iter().map(word).collect(),
            start: Some(start),
            end: Some(end),
            ..Phrase::default()
        }
    }

    fn window() -> Vec<Voiced> {
        let pieces = vec![Piece { at: 0, source: 1_000..3_000 }, Piece { at: 2_000, source: 9_000..11_000 }];
        voiced(&Packed { samples: vec![0.0; 4_000], pieces }, &[1_200..2_800, 9_200..10_800])
    }

    #[test]
    fn speech_is_found_in_the_window() {
        let expected =
            [Voiced { at: 200, source: 1_200, len: 1_600 }, Voiced { at: 2_200, source: 9_200, len: 1_600 }];
        assert_eq!(window(), expected);
    }

    #[test]
    fn a_word_between_two_times_is_measured() {
        let phrase = phrase(&["three"], 2_300, 2_900);
        let placed = place(&phrase, &speech_of(&phrase, &window()));
        assert_eq!(placed, [(9_300..9_900, Timing::Measured)]);
    }

    #[test]
    fn a_measured_word_stays_within_the_speech() {
        let phrase = phrase(&["three"], 1_700, 2_400);
        let placed = place(&phrase, &speech_of(&phrase, &window()));
        assert_eq!(placed, [(9_200..9_400, Timing::Measured)], "200 samples here against 100 there");
    }

    #[test]
    fn words_of_a_phrase_share_its_speech() {
        let phrase = phrase(&["aaa", "bbb", "ccc", "ddd"], 0, 4_000);
        let placed = place(&phrase, &speech_of(&phrase, &window()));
        let expected = [1_200..2_000, 2_000..2_800, 9_200..10_000, 10_000..10_800];
        assert_eq!(placed, expected.map(|range| (range, Timing::Interpolated)));
    }

    #[test]
    fn without_speech_there_is_no_place() {
        let phrase = phrase(&["three"], 1_850, 2_150);
        assert!(speech_of(&phrase, &window()).is_empty());
    }
}
