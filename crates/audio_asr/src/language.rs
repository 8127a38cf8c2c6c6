use std::collections::BTreeMap;
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

/// A longer window is enough to tell another language by, in samples: 3 s.
const LONG: usize = 3 * crate::RATE as usize;
/// How likely another language than that of the window before must be, in a long window and in a short one.
const SURE: f32 = 0.5;
const SURE_IF_SHORT: f32 = 0.8;

/// Which language is spoken, window by window.
#[derive(Debug)]
pub(crate) struct Spoken {
    language: Language,
    is_known: bool,
}

impl Spoken {
    /// Until something is heard, `language` is.
    pub(crate) const fn new(language: Language) -> Self {
        Self { language, is_known: false }
    }

    pub(crate) const fn language(&self) -> Language {
        self.language
    }

    /// The languages of the next windows of those lengths, from what is likely of each, the likeliest first: that of the
    /// window before, until another one is sure. At the beginning, that which is likeliest of all these windows together.
    pub(crate) fn next(&mut self, told: &[Vec<(Language, f32)>], lengths: &[usize]) -> Vec<Language> {
        if !self.is_known {
            let mut sums: BTreeMap<Language, f32> = BTreeMap::new();
            for (language, probability) in told.iter().flatten() {
                *sums.entry(*language).or_default() += probability;
            }
            let likeliest = sums.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
            self.is_known = likeliest.is_some();
            self.language = likeliest.map_or(self.language, |(language, _)| language);
        }
        let mut next = |(told, length): (&Vec<(Language, f32)>, &usize)| {
            let needed = if *length >= LONG { SURE } else { SURE_IF_SHORT };
            if let Some((likeliest, _)) = told.first().filter(|(_, probability)| *probability >= needed) {
                self.language = *likeliest;
            }
            self.language
        };
        told.iter().zip(lengths).map(&mut next).collect()
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
    fn a_language_stays_until_another_is_sure() {
        let [de, en] = ["de", "en"].map(|code| Language::from_code(code).unwrap());
        let told = |first, probability: f32, second| vec![(first, probability), (second, 1.0 - probability)];
        let long = 10 * crate::RATE as usize;
        let mut spoken = Spoken::new(Language::ENGLISH);
        let windows = [told(en, 0.4, de), told(de, 0.9, en), told(en, 0.45, de), told(en, 0.7, de)];
        assert_eq!(spoken.next(&windows, &[long; 4]), [de, de, de, en]);
        assert_eq!(spoken.next(&[told(de, 0.7, en)], &[long / 10]), [en], "a short window must be surer");
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
