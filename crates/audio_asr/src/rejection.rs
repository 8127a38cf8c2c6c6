//! Hallucination filters: thresholds and measures by which decoded text is rejected.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// Rejection thresholds of decoded text: the usual ones of Whisper (Radford et al., "Robust Speech Recognition via
/// Large-Scale Weak Supervision", section 4.5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RejectionThresholds {
    /// No-speech probability (0 to 1) above which a pass is rejected, unless its mean log probability is sufficient.
    pub max_no_speech_probability: f32,
    /// Mean log probability of all tokens of a pass, below which it is decoded again.
    pub min_mean_log_probability: f32,
    /// Ratio of a phrase's length to its zlib-compressed length, above which it is rejected.
    pub max_compression_ratio: f32,
}

impl RejectionThresholds {
    /// The usual values of Whisper.
    pub const DEFAULT: Self =
        Self { max_no_speech_probability: 0.6, min_mean_log_probability: -1.0, max_compression_ratio: 2.4 };

    /// The values that differ from [`RejectionThresholds::DEFAULT`], by name, in a fixed order.
    #[must_use]
    pub fn changed(&self) -> Vec<(&'static str, f32)> {
        let named = |thresholds: &Self| {
            [
                ("no_speech", thresholds.max_no_speech_probability),
                ("log_probability", thresholds.min_mean_log_probability),
                ("compression_ratio", thresholds.max_compression_ratio),
            ]
        };
        let values = named(self).into_iter().zip(named(&Self::DEFAULT));
        values.filter(|(own, standard)| own != standard).map(|(own, _)| own).collect()
    }
}

impl Default for RejectionThresholds {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Why a piece of decoded text was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejection {
    /// The model's no-speech probability is high, and the probability of the words is low.
    NoSpeech,
    /// The text repeats itself: its compression ratio exceeds the threshold.
    Repetitive,
    /// The same phrase is repeated in a decoder loop.
    Loop,
    /// The text is longer than can be spoken in its time.
    TooFast,
    /// No speech was detected in the time range of the text, or earlier words have that range.
    OutsideSpeech,
}

impl Rejection {
    /// Name of the reason in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSpeech => "no_speech",
            Self::Repetitive => "repetitive",
            Self::Loop => "loop",
            Self::TooFast => "too_fast",
            Self::OutsideSpeech => "outside_speech",
        }
    }
}

/// Length of a text over its zlib-compressed length: about 1 for a sentence, large for a text that repeats itself.
pub(crate) fn compression_ratio(text: &str) -> f32 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to a vector does not fail; without a compressed length the text is accepted.
    let compressed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    compressed.map_or(0.0, |compressed| text.len() as f32 / compressed.len() as f32)
}

/// Maximum number of characters per second of speech; fast speech has about 20.
const MAX_CHARACTERS_PER_SECOND: f32 = 40.0;
/// Tolerance of the detected duration of speech, in seconds.
const SPEECH_SLACK_S: f32 = 0.25;

/// Whether `characters` exceed what can be spoken in `seconds` of speech.
pub(crate) fn exceeds_speech_rate(characters: usize, seconds: f32) -> bool {
    characters as f32 > MAX_CHARACTERS_PER_SECOND * (seconds + SPEECH_SLACK_S)
}

/// Maximum number of words per round of a loop, and minimum number of rounds.
const MAX_LOOP_WORDS: usize = 12;
const MIN_LOOP_ROUNDS: usize = 4;

/// Number of words up to the end of the first round of a decoder loop; `None` without a loop.
pub(crate) fn first_loop_round(words: &[String]) -> Option<usize> {
    let is_loop = |start: usize, length: usize| {
        let rounds = &words[start..start + length * MIN_LOOP_ROUNDS];
        rounds.chunks(length).all(|round| round == &rounds[..length])
    };
    (0..words.len()).find_map(|start| {
        let longest = MAX_LOOP_WORDS.min((words.len() - start) / MIN_LOOP_ROUNDS);
        (1..=longest).find(|&length| is_loop(start, length)).map(|length| start + length)
    })
}

/// The words of a text in lower case, without punctuation, for comparison.
pub(crate) fn normalized(text: &str) -> String {
    let letter_or_space = |c: char| if c.is_alphanumeric() { c } else { ' ' };
    let spaced: String = text.chars().map(letter_or_space).flat_map(char::to_lowercase).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_ratio_detects_repetition() {
        assert!(
            compression_ratio("thank you for watching ".repeat(8).as_str())
                > RejectionThresholds::DEFAULT.max_compression_ratio
        );
        let sentence = "Ask not what your country can do for you, ask what you can do for your country.";
        assert!(compression_ratio(sentence) < RejectionThresholds::DEFAULT.max_compression_ratio);
        assert!(compression_ratio("three three three") < RejectionThresholds::DEFAULT.max_compression_ratio);
    }

    #[test]
    fn too_fast_limits_characters_per_second() {
        assert!(!exceeds_speech_rate("three".len(), 0.2));
        assert!(!exceeds_speech_rate("Ask not what your country can do for you".len(), 2.0));
        assert!(exceeds_speech_rate("Thank you for watching!".len(), 0.1));
    }

    #[test]
    fn first_round_locates_a_loop() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            first_loop_round(&words("zero six seven nine seven nine seven nine seven nine seven")),
            Some(4)
        );
        assert_eq!(first_loop_round(&words("yeah yeah yeah yeah yeah")), Some(1));
        assert_eq!(first_loop_round(&words("no no no it is not")), None);
        assert_eq!(first_loop_round(&[]), None);
    }

    #[test]
    fn normalization_ignores_case_and_punctuation() {
        assert_eq!(normalized(" Thank  you! "), normalized("thank you"));
        assert_ne!(normalized("thank you"), normalized("thanks"));
    }

    #[test]
    fn changed_lists_only_non_default_values() {
        assert!(RejectionThresholds::DEFAULT.changed().is_empty());
        assert_eq!(
            RejectionThresholds { max_no_speech_probability: 0.5, ..RejectionThresholds::DEFAULT }.changed(),
            [("no_speech", 0.5)]
        );
    }
}
