//! Joining words to running text.

use std::ops::RangeInclusive;

/// Scripts written without spaces between words (Thai to Khmer, kana, Han and their full-width forms).
const UNSPACED: &[RangeInclusive<char>] = &[
    '\u{0e00}'..='\u{109f}',
    '\u{1780}'..='\u{17ff}',
    '\u{2e80}'..='\u{a4cf}',
    '\u{f900}'..='\u{faff}',
    '\u{ff01}'..='\u{ffef}',
    '\u{20000}'..='\u{3ffff}',
];

/// Joins words with a space between two of them, unless their script has none.
#[must_use]
pub fn joined<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for word in words.into_iter().map(str::trim).filter(|word| !word.is_empty()) {
        if needs_space(&text, word) {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// Whether a space is written between two words, by the adjacent letters.
#[must_use]
pub fn needs_space(before: &str, after: &str) -> bool {
    let is_unspaced = |c: char| UNSPACED.iter().any(|range| range.contains(&c));
    match (before.chars().next_back(), after.chars().next()) {
        (Some(last), Some(first)) => !(is_unspaced(last) && is_unspaced(first)),
        _ => false,
    }
}

/// Whether a sentence ends with this word.
#[must_use]
pub fn ends_sentence(word: &str) -> bool {
    bare(word).ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

/// Whether a clause ends with this word.
#[must_use]
pub fn ends_clause(word: &str) -> bool {
    bare(word).ends_with([',', ';', ':', '–', '—', '，', '、', '；', '：'])
}

/// A word without closing quotes and brackets.
fn bare(word: &str) -> &str {
    word.trim_end_matches(['"', '\'', ')', ']', '»', '”', '’', '」'])
}

/// `text` in one line: line breaks, tabs and other control characters become spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// The longest beginning of `text` that has at most `max` bytes and ends between characters.
#[must_use]
pub fn prefix(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_joined_by_the_rules_of_their_script() {
        assert_eq!(joined(["Hark", " back", "", "to"]), "Hark back to");
        assert_eq!(joined(["你", "好", "！"]), "你好！");
        assert_eq!(joined(["안녕", "하세요"]), "안녕 하세요");
        assert_eq!(joined(["看", "video", "吧"]), "看 video 吧");
        assert_eq!(joined([]), "");
    }

    #[test]
    fn prefixes_end_between_characters() {
        assert_eq!(["añb", "añ", "a", "", "longer"].map(|text| prefix(text, 2)), ["a", "a", "a", "", "lo"]);
        assert_eq!(prefix("añ", 3), "añ");
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(one_line("a\tb\r\nc"), "a b  c");
    }

    #[test]
    fn sentence_and_clause_ends_are_detected() {
        assert!(["end.", "really?!", "he said.”", "好。"].into_iter().all(ends_sentence));
        assert!(!["and", "1.5", "so,", ""].into_iter().any(ends_sentence));
        assert!(["so,", "(that is,)", "说，"].into_iter().all(ends_clause));
        assert!(!["end.", "1,5", ""].into_iter().any(ends_clause));
    }
}
