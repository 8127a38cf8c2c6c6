//! Positions of the rows.

use super::svg::{Anchor, Style, Svg};

/// Width of every plot, in pixels.
pub const WIDTH: u32 = 1_280;
/// Number of pixel columns of the time axis.
pub(super) const COLUMNS: usize = 1_152;
/// Left edge of the columns, in pixels.
pub(super) const LEFT: f64 = 96.0;
/// Right edge of the columns, in pixels.
pub(super) const RIGHT: f64 = LEFT + COLUMNS as f64;

const GAP: f64 = 14.0;
const TOP: f64 = 92.0;

/// A row of the plot: its upper edge and its height, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) top: f64,
    pub(super) height: f64,
}

impl Row {
    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub(super) fn middle(&self) -> f64 {
        self.top + self.height / 2.0
    }

    /// A row of this height below, after a gap.
    fn below(&self, height: f64) -> Self {
        Self { top: self.bottom() + GAP, height }
    }

    /// Draws the row's label to its left, at height `y`.
    pub(super) fn label(&self, svg: &mut Svg, y: f64, text: &str) {
        svg.text(LEFT - 12.0, y + 4.0, Style::LABEL.anchored(Anchor::End), text);
    }

    /// Draws a text in a row without data.
    pub(super) fn empty(&self, svg: &mut Svg, text: &str) {
        svg.text(LEFT + 10.0, self.middle() + 4.0, Style::LABEL, text);
    }
}

/// The rows of a plot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) waveform: Row,
    pub(super) loudness: Row,
    pub(super) lanes: Row,
    pub(super) words: Row,
    pub(super) beats: Row,
    pub(super) height: u32,
}

impl Frame {
    pub(super) fn new(words_height: f64) -> Self {
        let waveform = Row { top: TOP, height: 120.0 };
        let loudness = waveform.below(84.0);
        let lanes = loudness.below(92.0);
        let words = lanes.below(words_height);
        let beats = words.below(44.0);
        Self { waveform, loudness, lanes, words, beats, height: (beats.bottom() + 36.0) as u32 }
    }

    pub(super) fn rows(&self) -> [Row; 5] {
        [self.waveform, self.loudness, self.lanes, self.words, self.beats]
    }
}
