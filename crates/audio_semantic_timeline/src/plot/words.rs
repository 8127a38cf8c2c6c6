//! Draws words while they are readable, else the number of words per minute.

use super::layout::{LEFT, RIGHT, Row};
use super::scale::Scale;
use super::svg::{Path, Style, Svg, colour};
use super::text::{clipped, width};
use crate::model::Summary;

const SIZE: f64 = 11.0;
const LINES: usize = 4;
const LINE: f64 = 17.0;
/// Minimum space between two words, in pixels.
const SPACE: f64 = 7.0;
/// Minimum part of the words that must fit for words to be drawn.
const ENOUGH: f64 = 0.9;
/// Maximum width of a word, in pixels.
const MAX_WIDTH: f64 = 120.0;
/// Full scale of the density, in words per minute.
const FASTEST: f64 = 300.0;

/// The row of words.
#[derive(Debug)]
pub(super) enum WordRow {
    /// The timeline has no words.
    Empty,
    /// Words with their x position and line.
    Words(Vec<(f64, usize, String)>),
    /// Number of words per minute.
    Density(Density),
}

impl WordRow {
    pub(super) fn new(summary: &Summary, scale: &Scale) -> Self {
        let words = || summary.events.iter().flat_map(|event| &event.meta.words);
        let count = words().count();
        if count == 0 {
            return Self::Empty;
        }
        let mut free = [f64::MIN; LINES];
        let mut placed = Vec::new();
        for word in words() {
            let x = scale.x(word.start_ms);
            let Some(text) = clipped(&word.word, SIZE, MAX_WIDTH) else { continue };
            let end = x + width(&text, SIZE);
            let line = free.iter().position(|free| *free <= x);
            if let (Some(line), true) = (line, end <= RIGHT) {
                free[line] = end + SPACE;
                placed.push((x, line, text));
            }
        }
        if placed.len() as f64 >= ENOUGH * count as f64 {
            return Self::Words(placed);
        }
        Self::Density(Density::new(scale, words().map(|word| word.start_ms)))
    }

    pub(super) fn height(&self) -> f64 {
        match self {
            Self::Empty => 28.0,
            Self::Words(placed) => {
                let lines = placed.iter().map(|(_, line, _)| line + 1).max().unwrap_or(1);
                lines as f64 * LINE + 8.0
            }
            Self::Density(_) => 44.0,
        }
    }

    pub(super) fn draw(&self, svg: &mut Svg, row: &Row) {
        match self {
            Self::Empty => {
                row.label(svg, row.middle(), "words");
                row.empty(svg, "none");
            }
            Self::Words(words) => {
                row.label(svg, row.middle(), "words");
                let mut ticks = Path::default();
                for (x, line, text) in words {
                    let base = row.top + LINE * (*line as f64 + 1.0);
                    ticks.move_to(*x, base - 10.0);
                    ticks.vertical(base + 2.0);
                    svg.text(x + 2.5, base, Style::LABEL.inked().sized(SIZE), text);
                }
                svg.stroke(&ticks, colour::SPEECH, 1.0, false);
            }
            Self::Density(density) => density.draw(svg, row, FASTEST, "words/min", colour::SPEECH),
        }
    }
}

/// Number of items per minute, in bins wide enough to count.
#[derive(Debug)]
pub(super) struct Density {
    /// Width of a bin, in pixels.
    bin: f64,
    per_minute: Vec<f64>,
}

/// Minimum width of a bin in pixels, and its minimum duration in ms.
const BIN_PIXELS: f64 = 4.0;
const BIN_MS: f64 = 10_000.0;

impl Density {
    pub(super) fn new(scale: &Scale, times_ms: impl Iterator<Item = i64>) -> Self {
        let pixels = RIGHT - LEFT;
        let bins = (pixels / scale.pixels(BIN_MS).max(BIN_PIXELS)).floor().max(1.0);
        let bin = pixels / bins;
        let mut counts = vec![0_u64; bins as usize];
        for ms in times_ms.filter(|ms| (0..scale.duration_ms()).contains(ms)) {
            let last = counts.len() - 1;
            counts[((scale.column(ms) / bin) as usize).min(last)] += 1;
        }
        let minutes = scale.millis(bin) / 60_000.0;
        Self { bin, per_minute: counts.into_iter().map(|count| count as f64 / minutes).collect() }
    }

    /// Draws bars from the row's bottom; `full` items per minute reach its top.
    pub(super) fn draw(&self, svg: &mut Svg, row: &Row, full: f64, label: &str, fill: &str) {
        row.label(svg, row.middle() + 8.0, label);
        row.label(svg, row.top + 6.0, &format!("{full}"));
        let mut path = Path::default();
        for (index, &rate) in self.per_minute.iter().enumerate().filter(|(_, rate)| **rate > 0.0) {
            let x = LEFT + index as f64 * self.bin;
            path.move_to(x, row.bottom());
            path.vertical(row.bottom() - (rate / full).min(1.0) * row.height);
            path.horizontal(x + self.bin);
            path.vertical(row.bottom());
            path.close();
        }
        svg.fill(&path, fill, 0.6);
    }
}
