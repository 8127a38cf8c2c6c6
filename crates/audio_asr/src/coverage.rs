//! Which speech of a window has no words.

use std::ops::Range;

use crate::RATE;
use crate::placing::Voiced;

/// Speech closer to a word than this belongs to it: 0.1 s.
const NEAR: usize = RATE as usize / 10;
/// Less speech without words is no loss to speak of: 1 s.
const SHORTEST: usize = RATE as usize;

/// The stretches of a window, from one word to the next, that hold a second or more of speech without a word. `words` are
/// in order.
pub(crate) fn without_words(voiced: &[Voiced], words: &[Range<usize>], end: usize) -> Vec<Range<usize>> {
    let begins = std::iter::once(0).chain(words.iter().map(|word| word.end));
    let ends = words.iter().map(|word| word.start).chain([end]);
    let between = begins.zip(ends).filter(|(begin, end)| begin < end);
    // Nothing is near the begin and the end of the window.
    let inner = |(begin, until): (usize, usize)| {
        let begin = if begin == 0 { 0 } else { begin + NEAR };
        begin..if until == end { end } else { until.saturating_sub(NEAR) }
    };
    between.filter_map(|gap| stretch(voiced, &inner(gap))).collect()
}

/// The speech between two words, where it is enough.
fn stretch(voiced: &[Voiced], inner: &Range<usize>) -> Option<Range<usize>> {
    let spoken: Vec<Voiced> = voiced.iter().filter_map(|stretch| stretch.within(inner)).collect();
    let length: usize = spoken.iter().map(|stretch| stretch.len).sum();
    let (first, last) = (spoken.first()?, spoken.last()?);
    (length >= SHORTEST).then_some(first.at..last.at + last.len)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = RATE as usize;

    #[test]
    fn speech_before_between_and_behind_words_is_found() {
        let voiced = [Voiced { at: 0, len: 12 * SECOND }];
        let found = without_words(&voiced, &[3 * SECOND..4 * SECOND, 7 * SECOND..8 * SECOND], 12 * SECOND);
        let expected =
            [0..3 * SECOND - NEAR, 4 * SECOND + NEAR..7 * SECOND - NEAR, 8 * SECOND + NEAR..12 * SECOND];
        assert_eq!(found, expected);
    }

    #[test]
    fn pauses_and_moments_are_no_loss() {
        let voiced = [Voiced { at: 0, len: SECOND }, Voiced { at: 9 * SECOND, len: SECOND }];
        assert!(without_words(&voiced, &[0..SECOND, 9 * SECOND..10 * SECOND], 10 * SECOND).is_empty());
        assert_eq!(without_words(&voiced, &[], 10 * SECOND).first(), Some(&(0..10 * SECOND)));
        assert!(without_words(&[], &[], 10 * SECOND).is_empty());
    }
}
