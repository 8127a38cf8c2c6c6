/// Limits of the length and duration of captions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CaptionLimits {
    /// Maximum number of characters of a line, at least 1.
    pub max_chars: usize,
    /// Maximum number of lines of a caption, at least 1.
    pub max_lines: usize,
    /// Maximum number of words of a caption, at least 1; unlimited if `None`.
    pub max_words: Option<usize>,
    /// Maximum reading speed in characters a second. Exceeded only where the speech itself is faster and no silence
    /// follows.
    pub max_cps: f64,
    /// Minimum duration, in ms. A caption is extended to it into the following silence; it is shorter only where the
    /// next caption starts sooner.
    pub min_duration_ms: i64,
    /// Minimum length of a pause that ends a caption, in ms.
    pub max_gap_ms: i64,
}

impl CaptionLimits {
    /// The limits of subtitling guides.
    pub const DEFAULT: Self = Self {
        max_chars: 42,
        max_lines: 2,
        max_words: None,
        max_cps: 17.0,
        min_duration_ms: 1_000,
        max_gap_ms: 1_500,
    };
}
