//! Words, divided where one is longer than a line.

use crate::text::{ends_clause, ends_sentence, needs_space};
use crate::words::TimedWord;

/// A word, or a part of a word that is longer than a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct CaptionPiece<'a> {
    pub(super) text: &'a str,
    pub(super) chars: usize,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) speaker: Option<&'a str>,
    /// Whether a space is written before it.
    pub(super) space_before: bool,
    pub(super) ending: Ending,
}

/// The largest unit of the text that ends with a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Sentence,
    Clause,
    Word,
}

/// Divides words into pieces that each fit on a line, in order of their starts.
pub(super) fn pieces(words: &[TimedWord], max_chars: usize) -> Vec<CaptionPiece<'_>> {
    let mut pieces: Vec<CaptionPiece<'_>> = Vec::with_capacity(words.len());
    for word in words {
        for token in word.text.split_whitespace() {
            for text in (LineParts { rest: token, max_chars: max_chars.max(1) }) {
                let is_continued = !std::ptr::eq(text.as_ptr(), token.as_ptr());
                let before = pieces.last().map_or("", |piece| piece.text);
                pieces.push(CaptionPiece {
                    text,
                    chars: text.chars().count(),
                    start_ms: word.start_ms,
                    end_ms: word.end_ms.max(word.start_ms),
                    speaker: word.speaker.as_deref(),
                    space_before: !is_continued && needs_space(before, text),
                    ending: ending(text),
                });
            }
        }
    }
    // Words of timelines that callers register may be out of order.
    pieces.sort_by_key(|piece| piece.start_ms);
    pieces
}

fn ending(text: &str) -> Ending {
    match text {
        text if ends_sentence(text) => Ending::Sentence,
        text if ends_clause(text) => Ending::Clause,
        _ => Ending::Word,
    }
}

/// Splits a text into parts of at most `max_chars` characters.
struct LineParts<'a> {
    rest: &'a str,
    max_chars: usize,
}

impl<'a> Iterator for LineParts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let cut = self.rest.char_indices().nth(self.max_chars).map_or(self.rest.len(), |(at, _)| at);
        let (part, rest) = self.rest.split_at(cut);
        self.rest = rest;
        (!part.is_empty()).then_some(part)
    }
}
