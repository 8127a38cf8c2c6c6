/// A text that is displayed as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    /// When it appears, in ms from the start of the recording.
    pub start_ms: i64,
    /// When it disappears, in ms; not after the start of the next caption.
    pub end_ms: i64,
    /// The speaker, if known.
    pub speaker: Option<String>,
    /// At least one line.
    pub lines: Vec<CaptionLine>,
}

/// A line of a caption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionLine {
    /// Text of the line as displayed.
    pub text: String,
    /// Words of the line, with times for karaoke.
    pub words: Vec<CaptionWord>,
}

/// A word of a line, or the part of a word that is longer than a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionWord {
    /// Text, with the preceding space if there is one.
    pub text: String,
    /// Start in ms from the start of the recording.
    pub start_ms: i64,
    /// End (exclusive) in ms from the start of the recording.
    pub end_ms: i64,
}

impl Caption {
    /// The lines, joined by line breaks.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }
}
