use std::collections::BTreeMap;
use std::fmt;

/// A language that Whisper supports.
///
/// # Examples
///
/// ```
/// use audio_asr::Language;
///
/// let german = Language::from_code("de").expect("Whisper supports it");
/// assert_eq!((german.code(), german.name()), ("de", "german"));
/// assert_eq!(Language::from_code("en"), Some(Language::ENGLISH));
/// assert_eq!(Language::from_code("english"), None, "codes only");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(&'static str);

/// The language codes of Whisper (ISO 639-1, a few ISO 639-3), sorted.
const CODES: &[&str] = &[
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da", "de",
    "el", "en", "es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw", "he", "hi", "hr", "ht",
    "hu", "hy", "id", "is", "it", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln", "lo", "lt",
    "lv", "mg", "mi", "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "oc", "pa", "pl",
    "ps", "pt", "ro", "ru", "sa", "sd", "si", "sk", "sl", "sn", "so", "sq", "sr", "su", "sv", "sw", "ta",
    "te", "tg", "th", "tk", "tl", "tr", "tt", "uk", "ur", "uz", "vi", "yi", "yo", "yue", "zh",
];

impl Language {
    /// English, with the code `en`.
    pub const ENGLISH: Self = Self("en");
    /// Cantonese, which only the large-v3 models support.
    pub(crate) const CANTONESE: Self = Self("yue");

    /// The language with this code in Whisper's spelling; `None` for any other text.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        CODES.binary_search(&code).ok().map(|index| Self(CODES[index]))
    }

    /// The language code, e.g. `en`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// The English name in lower case, as in Whisper and OpenAI's API: `english`.
    #[must_use]
    pub fn name(self) -> &'static str {
        whisper_rs::get_lang_id(self.0).and_then(whisper_rs::get_lang_str_full).unwrap_or(self.0)
    }

    /// Whether the language is written without spaces between words.
    pub(crate) fn is_unspaced(self) -> bool {
        matches!(self.0, "zh" | "yue" | "ja" | "th" | "lo" | "my" | "km" | "bo")
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Windows from this length on may switch the language at the lower threshold, in samples: 3 s.
const LONG_WINDOW: usize = 3 * crate::RATE as usize;
/// Probability at which the language switches, in long and in short windows.
const SWITCH_LONG: f32 = 0.5;
const SWITCH_SHORT: f32 = 0.8;

/// Follows the detected language from window to window, with hysteresis.
#[derive(Debug)]
pub(crate) struct LanguageTracker {
    language: Language,
    is_known: bool,
}

impl LanguageTracker {
    /// Starts with `language`, until the first detection.
    pub(crate) const fn new(language: Language) -> Self {
        Self { language, is_known: false }
    }

    pub(crate) const fn language(&self) -> Language {
        self.language
    }

    /// The languages of the next windows, from their probabilities (most likely first) and lengths in samples. A window keeps
    /// the language of the previous one unless another exceeds the switch threshold; the first detection is the language with
    /// the highest sum over these windows.
    pub(crate) fn next(&mut self, detected: &[Vec<(Language, f32)>], lengths: &[usize]) -> Vec<Language> {
        if !self.is_known {
            let mut sums: BTreeMap<Language, f32> = BTreeMap::new();
            for (language, probability) in detected.iter().flatten() {
                *sums.entry(*language).or_default() += probability;
            }
            let likeliest = sums.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
            self.is_known = likeliest.is_some();
            self.language = likeliest.map_or(self.language, |(language, _)| language);
        }
        let mut next = |(probabilities, length): (&Vec<(Language, f32)>, &usize)| {
            let needed = if *length >= LONG_WINDOW { SWITCH_LONG } else { SWITCH_SHORT };
            if let Some((likeliest, _)) =
                probabilities.first().filter(|(_, probability)| *probability >= needed)
            {
                self.language = *likeliest;
            }
            self.language
        };
        detected.iter().zip(lengths).map(&mut next).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_equal_those_of_whisper() {
        assert!(CODES.is_sorted());
        let ids = 0..=whisper_rs::get_lang_max_id();
        let mut supported: Vec<_> = ids.filter_map(whisper_rs::get_lang_str).collect();
        supported.sort_unstable();
        assert_eq!(supported, CODES);
    }

    #[test]
    fn languages_have_english_names() {
        let name = |code| Language::from_code(code).unwrap().name();
        assert_eq!([name("en"), name("de"), name("yue")], ["english", "german", "cantonese"]);
    }

    #[test]
    fn language_switches_with_hysteresis() {
        let [de, en] = ["de", "en"].map(|code| Language::from_code(code).unwrap());
        let detected =
            |first, probability: f32, second| vec![(first, probability), (second, 1.0 - probability)];
        let long = 10 * crate::RATE as usize;
        let mut tracker = LanguageTracker::new(Language::ENGLISH);
        let windows =
            [detected(en, 0.4, de), detected(de, 0.9, en), detected(en, 0.45, de), detected(en, 0.7, de)];
        assert_eq!(tracker.next(&windows, &[long; 4]), [de, de, de, en]);
        assert_eq!(tracker.next(&[detected(de, 0.7, en)], &[long / 10]), [en], "short windows switch later");
    }

    #[test]
    fn only_codes_are_languages() {
        assert_eq!(Language::from_code("en"), Some(Language::ENGLISH));
        assert_eq!(Language::from_code("yue"), Some(Language::CANTONESE));
        for invalid in ["", "EN", "english", "xx", "e\0n"] {
            assert_eq!(Language::from_code(invalid), None, "{invalid:?}");
        }
    }
}
