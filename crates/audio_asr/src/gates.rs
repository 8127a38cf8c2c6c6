//! What is not to be believed.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// The limits beyond which decoded text is rejected. The first three are the usual ones of Whisper (Radford et al.,
/// "Robust Speech Recognition via Large-Scale Weak Supervision", section 4.5), which would decode again at a higher
/// temperature; here nothing is guessed again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gates {
    /// From this no-speech probability on (0 to 1) a pass is rejected, unless its words are sure enough.
    pub no_speech: f32,
    /// Mean log probability of a phrase's tokens under which it is rejected.
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
    /// The words are too unlikely.
    LowProbability,
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
            Self::LowProbability => "low_probability",
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

/// A phrase may be said that often in a row; a single word more often ("no, no, no").
const MAX_REPEATS: u32 = 2;
const MAX_WORD_REPEATS: u32 = 8;

/// Notices when a decoder is caught in a loop.
#[derive(Debug, Default)]
pub(crate) struct LoopGuard {
    last: String,
    count: u32,
}

impl LoopGuard {
    /// Takes the next phrase; is it one repetition too many?
    pub(crate) fn is_loop(&mut self, text: &str) -> bool {
        let plain = |c: char| if c.is_alphanumeric() { c } else { ' ' };
        let spaced: String = text.chars().map(plain).flat_map(char::to_lowercase).collect();
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let normal = words.join(" ");
        self.count = if normal == self.last { self.count + 1 } else { 1 };
        self.last = normal;
        self.count > if words.len() > 1 { MAX_REPEATS } else { MAX_WORD_REPEATS }
    }
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
    fn a_loop_is_noticed_and_left() {
        let mut guard = LoopGuard::default();
        let verdicts: Vec<bool> = ["Thank you.", "thank you", "Thank you!", "Thank you.", "Bye."]
            .map(|text| guard.is_loop(text))
            .into();
        assert_eq!(verdicts, [false, false, true, true, false]);
        let nines: Vec<bool> = (0..10).map(|_| guard.is_loop("nine")).collect();
        assert_eq!(nines.iter().filter(|&&is_loop| is_loop).count(), 2);
    }

    #[test]
    fn only_changed_gates_are_named() {
        assert!(Gates::DEFAULT.changed().is_empty());
        assert_eq!(Gates { no_speech: 0.5, ..Gates::DEFAULT }.changed(), [("no_speech", 0.5)]);
    }
}
