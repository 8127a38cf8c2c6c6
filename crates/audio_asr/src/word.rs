use media_time::MediaTime;

use crate::Language;

/// A transcribed word with its times.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Text as written, with punctuation.
    pub text: String,
    /// Start time in the recording.
    pub start: MediaTime,
    /// End time in the recording, after the start.
    pub end: MediaTime,
    /// Geometric mean of the tokens' probabilities, 0 to 1.
    pub confidence: f32,
    /// The source of its times.
    pub timing: Timing,
    /// The language it was decoded in.
    pub language: Language,
}

/// The source of a word's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Measured by the alignment of the decoder's attention, or by time tokens around a single word.
    Measured,
    /// Interpolated within the phrase in proportion to the length of the words.
    Interpolated,
}

impl Timing {
    /// Name of the source in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Interpolated => "interpolated",
        }
    }
}
