//! Words without meaning, which an edit removes on request.

use crate::phrase::normalised;

/// Fillers of any language, also of speech of an unknown one: words of none of the languages below.
const COMMON: &[&str] = &["uh", "uhh", "uhm", "erm", "äh", "ähm", "euh", "hmm"];

/// Further fillers by ISO 639-1 code. German “um” and “er” are words, so these are fillers of English only.
const BY_LANGUAGE: &[(&str, &[&str])] = &[
    ("da", &["øh", "øhm"]),
    ("de", &["öh", "öhm", "ehm", "hm"]),
    ("en", &["um", "umm", "er", "mm", "hm"]),
    ("es", &["eh", "ehm", "em"]),
    ("fi", &["öö", "ööm"]),
    ("fr", &["heu", "hum"]),
    ("it", &["ehm"]),
    ("ja", &["えーと", "えっと", "ええと"]),
    ("nl", &["eh", "ehm"]),
    ("no", &["øh", "øhm", "eh"]),
    ("pl", &["yyy", "eee"]),
    ("pt", &["hum", "ahn"]),
    ("sv", &["öh", "öhm", "eh"]),
];

/// Whether a word is a filler in speech of this language, regardless of case and punctuation.
pub(crate) fn is_filler(word: &str, language: Option<&str>) -> bool {
    let word = normalised(word);
    let of_language = BY_LANGUAGE.iter().filter(|(code, _)| Some(*code) == language);
    COMMON.iter().chain(of_language.flat_map(|(_, fillers)| *fillers)).any(|filler| *filler == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_depend_on_the_language() {
        assert!(is_filler(" Um,", Some("en")) && is_filler("Ähm …", Some("de")) && is_filler("uh", None));
        assert!(!is_filler("um", Some("de")) && !is_filler("er", Some("de")) && !is_filler("um", None));
        assert!(is_filler("えーと、", Some("ja")), "a prolonged sound mark is a letter");
        assert!(!is_filler("umbrella", Some("en")) && !is_filler("…", Some("en")));
    }

    #[test]
    fn fillers_are_listed_as_they_are_compared() {
        let listed = BY_LANGUAGE.iter().flat_map(|(_, fillers)| *fillers).chain(COMMON);
        assert!(listed.into_iter().all(|filler| normalised(filler) == *filler));
    }
}
