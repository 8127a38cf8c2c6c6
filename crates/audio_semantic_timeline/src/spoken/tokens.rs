//! Splits texts into tokens, the units by which words are compared. Pure functions.

/// Maximum length of a token in characters; the rest of a longer one is ignored.
const MAX_TOKEN: usize = 100;

/// The tokens of a text, in lower case and in order: runs of letters, digits and combining marks. Punctuation separates
/// tokens (`don't` has two). Each ideograph and kana is a token, because these scripts do not separate words, and
/// transcripts split them at any place. Accents are folded by the database, in queries and in the index alike.
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    let (mut tokens, mut token, mut length) = (Vec::new(), String::new(), 0);
    for letter in text.chars() {
        if is_joiner(letter) {
            continue;
        }
        let is_token = is_ideograph(letter);
        if is_token || !(letter.is_alphanumeric() || is_mark(letter)) {
            close(&mut tokens, &mut token);
            length = 0;
        }
        if is_token {
            tokens.push(letter.to_string());
        } else if (letter.is_alphanumeric() || is_mark(letter)) && length < MAX_TOKEN {
            token.extend(letter.to_lowercase());
            length += 1;
        }
    }
    close(&mut tokens, &mut token);
    tokens
}

/// Ends a token, unless it is empty.
fn close(tokens: &mut Vec<String>, token: &mut String) {
    if !token.is_empty() {
        tokens.push(std::mem::take(token));
    }
}

/// Soft hyphen, zero-width characters, variation selectors: invisible, and part of no word.
const fn is_joiner(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Han, hiragana, katakana.
const fn is_ideograph(letter: char) -> bool {
    matches!(letter,
        '\u{3005}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Marks inside words that are not alphabetic: combining accents, Hebrew points, Arabic vowels, signs of Indic scripts
/// and tones of Thai and Lao.
const fn is_mark(letter: char) -> bool {
    matches!(letter,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}'
        | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{900}'..='\u{963}' | '\u{971}'..='\u{df3}' | '\u{e31}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{eb1}'..='\u{ebc}' | '\u{ec8}'..='\u{ecd}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{3099}' | '\u{309a}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_are_runs_of_letters_in_lower_case() {
        for (text, expected) in [
            ("Don’t panic!", vec!["don", "t", "panic"]),
            ("well-known", vec!["well", "known"]),
            (" – … ", vec![]),
            ("ÉTÉ 1984", vec!["été", "1984"]),
            ("e\u{301}te\u{301}", vec!["e\u{301}te\u{301}"]),
            ("नमस्ते", vec!["नमस्ते"]),
            ("你好, 世界", vec!["你", "好", "世", "界"]),
            ("co\u{ad}operate", vec!["cooperate"]),
        ] {
            assert_eq!(tokens(text), expected, "{text}");
        }
        assert_eq!(tokens(&"a".repeat(1_000)), ["a".repeat(MAX_TOKEN)]);
    }

    proptest! {
        #[test]
        fn tokens_are_the_same_for_joined_and_separate_words(words in prop::collection::vec("\\PC{0,8}", 0..6)) {
            let separate: Vec<String> = words.iter().flat_map(|word| tokens(word)).collect();
            prop_assert_eq!(tokens(&words.join(" ")), separate);
        }
    }
}
