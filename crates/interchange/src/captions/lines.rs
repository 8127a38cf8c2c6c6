//! Line breaks within a caption.

use std::ops::Range;

use super::limits::CaptionLimits;
use super::pieces::{CaptionPiece, Ending};

/// Cost of a line break, in characters of imbalance: inside a clause, and after a short word, which usually is an
/// article or a preposition of the next word.
const INSIDE_CLAUSE: usize = 12;
const AFTER_SHORT_WORD: usize = 6;
/// Maximum length of a short word, in characters.
const SHORT_WORD: usize = 3;
/// Cost of a line with a single word, in characters of imbalance.
const ORPHAN: usize = 10;

/// Fills lines greedily, from the first piece on.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineFiller {
    max_chars: usize,
    lines: usize,
    /// Number of characters on the last line.
    filled: usize,
}

impl LineFiller {
    pub(super) const fn new(max_chars: usize) -> Self {
        Self { max_chars, lines: 0, filled: 0 }
    }

    /// Adds a piece; returns the number of lines then in use.
    pub(super) const fn push(&mut self, piece: &CaptionPiece<'_>) -> usize {
        let with_space = self.filled + piece.space_before as usize + piece.chars;
        if self.lines > 0 && with_space <= self.max_chars {
            self.filled = with_space;
        } else {
            self.lines += 1;
            self.filled = piece.chars;
        }
        self.lines
    }
}

/// The lines of a caption that fits in `limits`: as few as possible, of similar length, broken after clauses.
pub(super) fn break_lines(pieces: &[CaptionPiece<'_>], limits: &CaptionLimits) -> Vec<Range<usize>> {
    let mut filler = LineFiller::new(limits.max_chars);
    let needed = pieces.iter().fold(0, |_, piece| filler.push(piece));
    if needed <= 1 {
        return std::iter::once(0..pieces.len()).collect();
    }
    let total: usize = pieces.iter().map(|piece| piece.chars + usize::from(piece.space_before)).sum();
    let even = total.div_ceil(needed);
    // best[line][end]: least cost of the first `end` pieces on `line + 1` lines, and the begin of the last line.
    let mut best: Vec<Vec<Option<(usize, usize)>>> = Vec::with_capacity(needed);
    for line in 0..needed {
        let mut row = vec![None; pieces.len() + 1];
        for (end, slot) in row.iter_mut().enumerate().skip(1) {
            let mut length = 0;
            for begin in (0..end).rev() {
                length +=
                    pieces[begin].chars + usize::from(begin + 1 < end && pieces[begin + 1].space_before);
                if length > limits.max_chars {
                    break;
                }
                let before = match line {
                    0 => (begin == 0).then_some(0),
                    _ => best[line - 1][begin].map(|(cost, _)| cost),
                };
                let Some(before) = before else { continue };
                let cost = before + length.abs_diff(even) + break_cost(pieces, begin, end);
                if slot.is_none_or(|(least, _)| cost < least) {
                    *slot = Some((cost, begin));
                }
            }
        }
        best.push(row);
    }
    backtrack(&best, pieces.len())
}

fn break_cost(pieces: &[CaptionPiece<'_>], begin: usize, end: usize) -> usize {
    let orphan = if end - begin == 1 { ORPHAN } else { 0 };
    if end == pieces.len() {
        return orphan;
    }
    let last = &pieces[end - 1];
    let clause = if last.ending == Ending::Word { INSIDE_CLAUSE } else { 0 };
    let short = if last.ending == Ending::Word && last.chars <= SHORT_WORD { AFTER_SHORT_WORD } else { 0 };
    orphan + clause + short
}

fn backtrack(best: &[Vec<Option<(usize, usize)>>], count: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::with_capacity(best.len());
    let mut end = count;
    for row in best.iter().rev() {
        // The optimum fits wherever greedy filling fits.
        let Some((_, begin)) = row[end] else { break };
        lines.push(begin..end);
        end = begin;
    }
    lines.reverse();
    lines
}
