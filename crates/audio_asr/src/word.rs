use media_time::MediaTime;

use crate::Language;

/// A word and when it was spoken.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// As written, with its punctuation.
    pub text: String,
    /// Its beginning.
    pub start: MediaTime,
    /// Its end, after its beginning.
    pub end: MediaTime,
    /// Probability of its tokens (geometric mean), 0 to 1.
    pub confidence: f32,
    /// Where its times come from.
    pub timing: Timing,
    /// The language it was heard as.
    pub language: Language,
}

/// Where a word's times come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Beginning and end were measured: by what the decoder attended to, or by its time tokens around this one word.
    Measured,
    /// Those of its phrase are known, and its share of the speech in between was worked out from its length.
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
