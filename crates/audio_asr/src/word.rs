use media_time::MediaTime;

use crate::Language;

/// A transcribed word.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// As written, with its punctuation.
    pub text: String,
    /// Start time.
    pub start: MediaTime,
    /// End time, after the start.
    pub end: MediaTime,
    /// Probability of its tokens (geometric mean), 0 to 1.
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
    /// Its name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Interpolated => "interpolated",
        }
    }
}
