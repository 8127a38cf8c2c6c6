//! Division of words into captions.
//!
//! Captions end at sentences, clauses and pauses; the division of a whole run of words is the one with the least cost,
//! found by dynamic programming. The limits are those of subtitling guides: two lines of 42 characters, 17 characters a
//! second, at least one second (BBC Subtitle Guidelines 1.2; Netflix Timed Text Style Guide, English).

mod caption;
mod limits;
mod lines;
mod pieces;
mod segment;
mod timing;

pub use self::caption::{Caption, CaptionLine, CaptionWord};
pub use self::limits::CaptionLimits;
use self::pieces::CaptionPiece;
use crate::words::{TimedText, by_speaker};

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

fn caption(pieces: &[CaptionPiece<'_>], limits: &CaptionLimits) -> Caption {
    let lines = lines::break_lines(pieces, limits).into_iter().map(|range| line(&pieces[range])).collect();
    Caption {
        start_ms: pieces.first().map_or(0, |piece| piece.start_ms),
        end_ms: pieces.iter().map(|piece| piece.end_ms).max().unwrap_or(0),
        speaker: pieces.iter().find_map(|piece| piece.speaker.map(str::to_owned)),
        lines,
    }
}

fn line(pieces: &[CaptionPiece<'_>]) -> CaptionLine {
    let word = |(index, piece): (usize, &CaptionPiece<'_>)| {
        let space = if index > 0 && piece.space_before { " " } else { "" };
        let (start_ms, end_ms) = (piece.start_ms, piece.end_ms);
        CaptionWord { text: format!("{space}{}", piece.text), start_ms, end_ms }
    };
    let words: Vec<CaptionWord> = pieces.iter().enumerate().map(word).collect();
    CaptionLine { text: words.iter().map(|word| word.text.as_str()).collect(), words }
}
