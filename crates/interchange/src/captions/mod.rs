//! Division of words into captions.
//!
//! Captions end at sentences, clauses and pauses; the division of a whole run of words is the one with the least cost,
//! found by dynamic programming. The limits are those of subtitling guides: two lines of 42 characters, 17 characters a
//! second, at least one second (BBC Subtitle Guidelines 1.2; Netflix Timed Text Style Guide, English).

mod lines;
mod pieces;
mod segment;
mod timing;

use self::pieces::Piece;
use crate::words::{TimedText, by_speaker};

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

/// Divides a text into captions: in order, without overlap, each within `limits`.
#[must_use]
pub fn captions(text: &TimedText, limits: &CaptionLimits) -> Vec<Caption> {
    let pieces = pieces::pieces(&text.words, limits.max_chars);
    let mut captions: Vec<Caption> = Vec::new();
    for speech in pieces.chunk_by(|a, b| b.start_ms - a.end_ms < limits.max_gap_ms.max(1)) {
        for run in by_speaker(speech, |piece| piece.speaker) {
            for range in segment::segment(run, limits) {
                captions.push(caption(&run[range], limits));
            }
        }
    }
    timing::adjust(&mut captions, text.duration_ms, limits);
    captions
}

fn caption(pieces: &[Piece<'_>], limits: &CaptionLimits) -> Caption {
    let lines = lines::break_lines(pieces, limits).into_iter().map(|range| line(&pieces[range])).collect();
    Caption {
        start_ms: pieces.first().map_or(0, |piece| piece.start_ms),
        end_ms: pieces.iter().map(|piece| piece.end_ms).max().unwrap_or(0),
        speaker: pieces.iter().find_map(|piece| piece.speaker.map(str::to_owned)),
        lines,
    }
}

fn line(pieces: &[Piece<'_>]) -> CaptionLine {
    let word = |(index, piece): (usize, &Piece<'_>)| {
        let space = if index > 0 && piece.space_before { " " } else { "" };
        let (start_ms, end_ms) = (piece.start_ms, piece.end_ms);
        CaptionWord { text: format!("{space}{}", piece.text), start_ms, end_ms }
    };
    let words: Vec<CaptionWord> = pieces.iter().enumerate().map(word).collect();
    CaptionLine { text: words.iter().map(|word| word.text.as_str()).collect(), words }
}
