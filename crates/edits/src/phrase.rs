//! Finds phrases in words. Pure functions.

use std::ops::Range;

/// Lower-case letters and digits of a text, by which words are compared.
pub(crate) fn normalised(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).filter(|letter| letter.is_alphanumeric()).collect()
}

/// Every range of consecutive words whose letters are those of the phrase, in order and non-overlapping. Words and
/// phrase are [`normalised`]; word boundaries inside the phrase are not compared, because scripts and transcripts
/// differ in them.
pub(crate) fn occurrences(words: &[impl AsRef<str>], phrase: &str) -> Vec<Range<usize>> {
    let (mut found, mut position) = (Vec::new(), 0);
    while position < words.len() {
        let length = length_at(&words[position..], phrase);
        found.extend(length.map(|length| position..position + length));
        position += length.unwrap_or(1);
    }
    found
}

/// Number of words that the phrase consists of, if it starts at the first one.
fn length_at(words: &[impl AsRef<str>], phrase: &str) -> Option<usize> {
    // Punctuation that is a word by itself.
    if words.first()?.as_ref().is_empty() {
        return None;
    }
    let mut rest = phrase;
    for (index, word) in words.iter().enumerate() {
        rest = rest.strip_prefix(word.as_ref())?;
        if rest.is_empty() {
            return Some(index + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// First word and end of each occurrence.
    fn found(words: &[&str], phrase: &str) -> Vec<(usize, usize)> {
        let words: Vec<String> = words.iter().map(|word| normalised(word)).collect();
        let found = occurrences(&words, &normalised(phrase));
        found.into_iter().map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn phrase_is_found_regardless_of_case_and_punctuation() {
        let words = ["Don’t", "panic!", "I", "said:", "–", "DON'T", "panic", "yet."];
        assert_eq!(found(&words, "don't panic"), [(0, 2), (5, 7)]);
        assert_eq!(found(&words, "said don't"), [(3, 6)], "a dash between the words is skipped");
        assert!(found(&words, "panic yet again").is_empty());
        assert!(found(&words, "pan").is_empty(), "parts of words are not found");
        assert_eq!(found(&["ha", "ha", "ha"], "ha ha"), [(0, 2)], "occurrences do not overlap");
        assert_eq!(found(&["你", "好", "世界"], "你好"), [(0, 2)]);
        assert_eq!(found(&["a", "well-known", "fact"], "well known"), [(1, 2)]);
    }

    proptest! {
        #[test]
        fn occurrences_have_the_letters_of_the_phrase(
            words in prop::collection::vec("[ab]{0,2}", 0..40), phrase in "[ab]{1,4}",
        ) {
            let mut last = 0;
            for range in occurrences(&words, &phrase) {
                prop_assert!(range.start >= last && range.end <= words.len());
                prop_assert_eq!(words[range.clone()].concat(), phrase.clone());
                last = range.end;
            }
        }
    }
}
