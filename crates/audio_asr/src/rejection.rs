//! What is not to be believed.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// The limits beyond which decoded text is doubted: the usual ones of Whisper (Radford et al., "Robust Speech Recognition
/// via Large-Scale Weak Supervision", section 4.5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gates {
    /// Over this no-speech probability (0 to 1) a pass is rejected, unless its tokens are sure enough.
    pub no_speech: f32,
    /// Mean log probability of all tokens of a pass under which it is decoded once more.
    pub log_probability: f32,
    /// Ratio of a phrase's length to its zlib-compressed length over which it is rejected.
    pub compression_ratio: f32,
}

impl Gates {
    /// The usual values.
    pub const DEFAULT: Self = Self { no_speech: 0.6, log_probability: -1.0, compression_ratio: 2.4 };

    /// The values that differ from [`Gates::DEFAULT`], by name, in a fixed order.
    #[must_use]
    pub fn changed(&self) -> Vec<(&'static str, f32)> {
        let named = |gates: &Self| {
            [
                ("no_speech", gates.no_speech),
                ("log_probability", gates.log_probability),
                ("compression_ratio", gates.compression_ratio),
            ]
        };
        let values = named(self).into_iter().zip(named(&Self::DEFAULT));
        values.filter(|(own, standard)| own != standard).map(|(own, _)| own).collect()
    }
}

impl Default for Gates {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Why a piece of decoded text was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejection {
    /// The model thinks nobody speaks, and is not sure of the words.
    NoSpeech,
    /// The text repeats itself.
    Repetitive,
    /// The same phrase over and over.
    Loop,
    /// More text than anybody could have spoken in that time.
    TooFast,
    /// No speech was found where it should have been spoken.
    OutsideSpeech,
}

impl Rejection {
    /// Its name in reports.
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
    // Writing to a vector does not fail; without a compressed length nothing is held against the text.
    let compressed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    compressed.map_or(0.0, |compressed| text.len() as f32 / compressed.len() as f32)
}

/// Nobody says more characters a second than this; fast speech has about 20.
const MAX_CHARACTERS_PER_SECOND: f32 = 40.0;
/// How much longer than found speech may have been, in seconds.
const SPEECH_SLACK_S: f32 = 0.25;

/// Are these more characters than could be spoken in `seconds` of speech?
pub(crate) fn too_fast(characters: usize, seconds: f32) -> bool {
    characters as f32 > MAX_CHARACTERS_PER_SECOND * (seconds + SPEECH_SLACK_S)
}

/// Maximum number of words per round of a loop, and minimum number of rounds.
const MAX_ROUND: usize = 12;
const MIN_ROUNDS: usize = 4;

/// Number of words up to the end of the first round of a decoder loop; `None` without a loop.
pub(crate) fn first_round(words: &[String]) -> Option<usize> {
    let is_loop = |start: usize, length: usize| {
        let rounds = &words[start..start + length * MIN_ROUNDS];
        rounds.chunks(length).all(|round| round == &rounds[..length])
    };
    (0..words.len()).find_map(|start| {
        let longest = MAX_ROUND.min((words.len() - start) / MIN_ROUNDS);
        (1..=longest).find(|&length| is_loop(start, length)).map(|length| start + length)
    })
}

/// The words of a text in lower case, without punctuation, for comparison.
pub(crate) fn normal(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { ' ' };
    let spaced: String = text.chars().map(plain).flat_map(char::to_lowercase).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeating_compresses() {
        assert!(
            compression_ratio("thank you for watching ".repeat(8).as_str())
                > Gates::DEFAULT.compression_ratio
        );
        let sentence = "Ask not what your country can do for you, ask what you can do for your country.";
        assert!(compression_ratio(sentence) < Gates::DEFAULT.compression_ratio);
        assert!(compression_ratio("three three three") < Gates::DEFAULT.compression_ratio);
    }

    #[test]
    fn speech_has_a_speed() {
        assert!(!too_fast("three".len(), 0.2));
        assert!(!too_fast("Ask not what your country can do for you".len(), 2.0));
        assert!(too_fast("Thank you for watching!".len(), 0.1));
    }

    #[test]
    fn a_loop_is_found_where_it_begins() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            first_round(&words("zero six seven nine seven nine seven nine seven nine seven")),
            Some(4)
        );
        assert_eq!(first_round(&words("yeah yeah yeah yeah yeah")), Some(1));
        assert_eq!(first_round(&words("no no no it is not")), None);
        assert_eq!(first_round(&[]), None);
    }

    #[test]
    fn normalization_ignores_case_and_punctuation() {
        assert_eq!(normal(" Thank  you! "), normal("thank you"));
        assert_ne!(normal("thank you"), normal("thanks"));
    }

    #[test]
    fn only_changed_gates_are_named() {
        assert!(Gates::DEFAULT.changed().is_empty());
        assert_eq!(Gates { no_speech: 0.5, ..Gates::DEFAULT }.changed(), [("no_speech", 0.5)]);
    }
}
