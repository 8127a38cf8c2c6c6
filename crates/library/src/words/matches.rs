//! Locates the matches of a search in the words of a window. Pure functions.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use super::{SearchMatch, SpokenWord};

/// The words of a window, and those after it, with the tokens that match.
#[derive(Debug)]
pub(crate) struct MatchedWords<'a> {
    pub(crate) words: &'a [String],
    pub(crate) starts_ms: &'a [i64],
    pub(crate) ends_ms: &'a [i64],
    /// Number of words of the window itself.
    pub(crate) own_words: usize,
    /// Index in `words` of each token.
    pub(crate) token_words: &'a [usize],
    /// Index of the token, of the term, and of the token in the term, of each matching token.
    pub(crate) found: HashSet<(usize, usize, usize)>,
}

impl MatchedWords<'_> {
    /// The ranges of words that match a term, in order and without duplicates. `lengths` has the number of tokens of each
    /// term. Matches begin in the window itself.
    pub(crate) fn ranges(&self, lengths: &[usize]) -> Vec<Range<usize>> {
        let mut ranges = BTreeSet::new();
        for &(token, term, place) in &self.found {
            let Some(&length) = lengths.get(term) else { continue };
            let is_match =
                place == 0 && (1..length).all(|next| self.found.contains(&(token + next, term, next)));
            let last_token = token + length.max(1) - 1;
            let words = self.token_words.get(token).zip(self.token_words.get(last_token));
            if let Some((&first, &last)) = words.filter(|(first, _)| is_match && **first < self.own_words) {
                ranges.insert((first, last + 1));
            }
        }
        ranges.into_iter().map(|(first, end)| first..end).collect()
    }

    /// The words of a range, with their times.
    pub(crate) fn found(&self, range: &Range<usize>) -> Option<SearchMatch> {
        Some(SearchMatch {
            start_ms: *self.starts_ms.get(range.start)?,
            end_ms: *self.ends_ms.get(range.end.checked_sub(1)?)?,
            text: self.words.get(range.clone())?.join(" "),
        })
    }

    /// The words of the window, and those after it that `ranges` contain.
    pub(crate) fn spoken(&self, ranges: &[Range<usize>]) -> Vec<SpokenWord> {
        let end = ranges.iter().map(|range| range.end).max().unwrap_or_default().max(self.own_words);
        let times = self.starts_ms.iter().zip(self.ends_ms);
        let word = |(index, (word, (start_ms, end_ms))): (usize, (&String, (&i64, &i64)))| SpokenWord {
            word: word.clone(),
            start_ms: *start_ms,
            end_ms: *end_ms,
            highlighted: ranges.iter().any(|range| range.contains(&index)),
        };
        self.words.iter().zip(times).enumerate().take(end).map(word).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_begin_in_the_window_and_may_end_after_it() {
        let words = ["Don’t", "–", "hark", "back", "hark"].map(str::to_owned);
        let (starts, ends) = ([0, 10, 20, 30, 40], [5, 15, 25, 35, 45]);
        // Tokens: don t hark back hark; the last two words follow the window.
        let matched = |found: &[(usize, usize, usize)]| MatchedWords {
            words: &words,
            starts_ms: &starts,
            ends_ms: &ends,
            own_words: 3,
            token_words: &[0, 0, 2, 3, 4],
            found: found.iter().copied().collect(),
        };
        // "hark back", and the word hark.
        let phrase = matched(&[(2, 0, 0), (4, 0, 0), (3, 0, 1), (2, 1, 0), (4, 1, 0)]);
        let ranges = phrase.ranges(&[2, 1]);
        assert_eq!(ranges, [2..3, 2..4]);
        let found = phrase.found(&ranges[1]).unwrap();
        assert_eq!((found.start_ms, found.end_ms, found.text.as_str()), (20, 35, "hark back"));
        let spoken = phrase.spoken(&ranges);
        let marks: Vec<bool> = spoken.iter().map(|word| word.highlighted).collect();
        assert_eq!(marks, [false, false, true, true]);
        // Both tokens of "don’t" are one word.
        assert_eq!(matched(&[(0, 0, 0), (1, 0, 1)]).ranges(&[2]), std::slice::from_ref(&(0..1)));
        assert!(matched(&[(0, 0, 0), (2, 0, 1)]).ranges(&[2]).is_empty(), "not consecutive");
        assert_eq!(matched(&[]).spoken(&[]).len(), 3);
    }
}
