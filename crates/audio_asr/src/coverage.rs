//! Finds the speech of a window that no word covers.

use std::ops::Range;

use crate::RATE;
use crate::word_alignment::SpeechSpan;

/// Margin around a word that counts as covered: 0.1 s.
const MARGIN: usize = RATE as usize / 10;
/// Minimum uncovered speech to report: 1 s.
const MIN_UNCOVERED: usize = RATE as usize;

/// The ranges between consecutive words that contain at least [`MIN_UNCOVERED`] of speech. `words` is sorted; `end` is the
/// length of the window.
pub(crate) fn uncovered(
    speech_spans: &[SpeechSpan],
    words: &[Range<usize>],
    end: usize,
) -> Vec<Range<usize>> {
    let begins = std::iter::once(0).chain(words.iter().map(|word| word.end));
    let ends = words.iter().map(|word| word.start).chain([end]);
    let between = begins.zip(ends).filter(|(begin, end)| begin < end);
    // The start and the end of the window have no margin.
    let inner = |(begin, until): (usize, usize)| {
        let begin = if begin == 0 { 0 } else { begin + MARGIN };
        begin..if until == end { end } else { until.saturating_sub(MARGIN) }
    };
    between.filter_map(|gap| speech_range(speech_spans, &inner(gap))).collect()
}

/// The range from the first to the last speech within `inner`, if it contains at least [`MIN_UNCOVERED`] of speech.
fn speech_range(speech_spans: &[SpeechSpan], inner: &Range<usize>) -> Option<Range<usize>> {
    let spoken: Vec<SpeechSpan> = speech_spans.iter().filter_map(|section| section.within(inner)).collect();
    let length: usize = spoken.iter().map(|section| section.len).sum();
    let (first, last) = (spoken.first()?, spoken.last()?);
    (length >= MIN_UNCOVERED).then_some(first.at..last.at + last.len)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = RATE as usize;

    #[test]
    fn uncovered_speech_before_between_and_after_words_is_found() {
        let speech_spans = [SpeechSpan { at: 0, len: 12 * SECOND }];
        let found = uncovered(&speech_spans, &[3 * SECOND..4 * SECOND, 7 * SECOND..8 * SECOND], 12 * SECOND);
        let expected = [
            0..3 * SECOND - MARGIN,
            4 * SECOND + MARGIN..7 * SECOND - MARGIN,
            8 * SECOND + MARGIN..12 * SECOND,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn pauses_and_short_speech_are_not_uncovered() {
        let speech_spans = [SpeechSpan { at: 0, len: SECOND }, SpeechSpan { at: 9 * SECOND, len: SECOND }];
        assert!(uncovered(&speech_spans, &[0..SECOND, 9 * SECOND..10 * SECOND], 10 * SECOND).is_empty());
        assert_eq!(uncovered(&speech_spans, &[], 10 * SECOND).first(), Some(&(0..10 * SECOND)));
        assert!(uncovered(&[], &[], 10 * SECOND).is_empty());
    }
}
