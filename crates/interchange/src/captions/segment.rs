//! Divides a run of words into captions by dynamic programming.

use std::ops::Range;

use super::limits::CaptionLimits;
use super::lines::LineFiller;
use super::pieces::{CaptionPiece, Ending};

/// Maximum number of words of a caption: bounds the run time. Six lines of text have fewer.
const MAX_PIECES: usize = 80;
/// Maximum duration of speech in a caption, in ms.
const MAX_DURATION_MS: i64 = 7_000;

/// Cost of one more caption; the other costs are relative to it.
const CAPTION: f64 = 10.0;
/// Cost of a caption that ends inside a clause, or after a clause.
const ENDS_INSIDE_CLAUSE: f64 = 40.0;
const ENDS_CLAUSE: f64 = 10.0;
/// A pause of at least this length, in ms, is as good an end as the end of a clause.
const PAUSE_MS: i64 = 300;
/// Cost of ending after a word of at most 3 characters inside a clause: usually an article or preposition of the next
/// words.
const AFTER_SHORT_WORD: f64 = 10.0;
const SHORT_WORD: usize = 3;
/// Cost of a sentence that ends inside the caption, unless both parts are short.
const SENTENCE_INSIDE: f64 = 25.0;
/// Cost of a single word that is not a sentence.
const ORPHAN: f64 = 60.0;
/// Cost per unit of the ratio by which the reading speed exceeds the maximum, and the duration falls below the minimum.
const TOO_FAST: f64 = 60.0;
const TOO_SHORT: f64 = 30.0;

/// Divides a run into captions, as ranges of its pieces: all pieces in order.
pub(super) fn segment(run: &[CaptionPiece<'_>], limits: &CaptionLimits) -> Vec<Range<usize>> {
    // Least cost of the pieces from an index on, and where the first caption of them ends.
    let mut best = vec![(0.0_f64, run.len()); run.len() + 1];
    for begin in (0..run.len()).rev() {
        let mut least = (f64::INFINITY, begin + 1);
        let mut candidate = CandidateCaption::new(limits);
        for (end, (rest, _)) in (begin + 1..).zip(best[begin + 1..].iter().take(MAX_PIECES)) {
            if !candidate.push(run, begin, end) {
                break;
            }
            let cost = candidate.cost(run, begin, end) + rest;
            if cost < least.0 {
                least = (cost, end);
            }
        }
        best[begin] = least;
    }
    let mut captions = Vec::new();
    let mut begin = 0;
    while begin < run.len() {
        captions.push(begin..best[begin].1);
        begin = best[begin].1;
    }
    captions
}

/// A candidate caption that grows word by word.
struct CandidateCaption<'a> {
    limits: &'a CaptionLimits,
    filler: LineFiller,
    chars: usize,
    /// Number of characters up to the last end of a sentence inside it.
    sentence: Option<usize>,
}

impl<'a> CandidateCaption<'a> {
    const fn new(limits: &'a CaptionLimits) -> Self {
        Self { limits, filler: LineFiller::new(limits.max_chars), chars: 0, sentence: None }
    }

    /// Adds the last piece of `run[begin..end]`; `false` where the caption would exceed the limits. One piece always
    /// fits.
    fn push(&mut self, run: &[CaptionPiece<'_>], begin: usize, end: usize) -> bool {
        let piece = &run[end - 1];
        if end - begin > 1 && run[end - 2].ending == Ending::Sentence {
            self.sentence = Some(self.chars);
        }
        self.chars += piece.chars + usize::from(end - begin > 1 && piece.space_before);
        let lines = self.filler.push(piece);
        let is_long = piece.end_ms - run[begin].start_ms > MAX_DURATION_MS;
        let has_many = self.limits.max_words.is_some_and(|most| end - begin > most);
        end - begin == 1 || !(lines > self.limits.max_lines || is_long || has_many)
    }

    fn cost(&self, run: &[CaptionPiece<'_>], begin: usize, end: usize) -> f64 {
        CAPTION + self.end_cost(run, begin, end) + self.sentence_cost() + self.time_cost(run, begin, end)
    }

    fn end_cost(&self, run: &[CaptionPiece<'_>], begin: usize, end: usize) -> f64 {
        let last = &run[end - 1];
        let Some(next) = run.get(end) else {
            return if end - begin == 1 && begin > 0 && last.ending != Ending::Sentence {
                ORPHAN
            } else {
                0.0
            };
        };
        let has_pause = next.start_ms - last.end_ms >= PAUSE_MS;
        let end_cost = match last.ending {
            Ending::Sentence => 0.0,
            Ending::Clause => ENDS_CLAUSE,
            Ending::Word if has_pause => ENDS_CLAUSE,
            Ending::Word if last.chars <= SHORT_WORD => ENDS_INSIDE_CLAUSE + AFTER_SHORT_WORD,
            Ending::Word => ENDS_INSIDE_CLAUSE,
        };
        let is_orphan =
            end - begin == 1 && last.ending != Ending::Sentence && self.limits.max_words != Some(1);
        end_cost + if is_orphan { ORPHAN } else { 0.0 }
    }

    /// Cost of a sentence end inside the caption; none if the sentences are short.
    fn sentence_cost(&self) -> f64 {
        let half_line = self.limits.max_chars / 2;
        match self.sentence {
            Some(chars) if chars > half_line || self.chars > self.limits.max_chars => SENTENCE_INSIDE,
            _ => 0.0,
        }
    }

    fn time_cost(&self, run: &[CaptionPiece<'_>], begin: usize, end: usize) -> f64 {
        // The time until the next caption; a run is followed by silence.
        let until = run.get(end).map_or(i64::MAX, |next| next.start_ms);
        let start = run[begin].start_ms;
        let available = until.saturating_sub(start).max(1) as f64;
        let needed = self.chars as f64 * 1_000.0 / self.limits.max_cps;
        let shortest = self.limits.min_duration_ms as f64;
        let too_fast = (needed / available - 1.0).clamp(0.0, 2.0);
        let too_short = if shortest > 0.0 { (1.0 - available / shortest).max(0.0) } else { 0.0 };
        too_fast * TOO_FAST + too_short * TOO_SHORT
    }
}
