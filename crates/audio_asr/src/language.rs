use std::fmt;

/// A language Whisper knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(&'static str);

/// The codes Whisper uses (ISO 639-1, a few ISO 639-3), sorted.
const CODES: &[&str] = &[
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da", "de",
    "el", "en", "es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw", "he", "hi", "hr", "ht",
    "hu", "hy", "id", "is", "it", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln", "lo", "lt",
    "lv", "mg", "mi", "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "oc", "pa", "pl",
    "ps", "pt", "ro", "ru", "sa", "sd", "si", "sk", "sl", "sn", "so", "sq", "sr", "su", "sv", "sw", "ta",
    "te", "tg", "th", "tk", "tl", "tr", "tt", "uk", "ur", "uz", "vi", "yi", "yo", "yue", "zh",
];

impl Language {
    /// English.
    pub const ENGLISH: Self = Self("en");
    /// Cantonese, which only the third large models know.
    pub(crate) const CANTONESE: Self = Self("yue");

    /// The language of a code as Whisper writes it; `None` for anything else.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        CODES.binary_search(&code).ok().map(|index| Self(CODES[index]))
    }

    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// Is it written without spaces between words?
    pub(crate) fn is_unspaced(self) -> bool {
        matches!(self.0, "zh" | "yue" | "ja" | "th" | "lo" | "my" | "km" | "bo")
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_whisper() {
        assert!(CODES.is_sorted());
        let ids = 0..=whisper_rs::get_lang_max_id();
        let mut theirs: Vec<_> = ids.filter_map(whisper_rs::get_lang_str).collect();
        theirs.sort_unstable();
        assert_eq!(theirs, CODES);
    }

    #[test]
    fn only_codes_are_languages() {
        assert_eq!(Language::from_code("en"), Some(Language::ENGLISH));
        assert_eq!(Language::from_code("yue"), Some(Language::CANTONESE));
        for wrong in ["", "EN", "english", "xx", "e\0n"] {
            assert_eq!(Language::from_code(wrong), None, "{wrong:?}");
        }
    }
}
