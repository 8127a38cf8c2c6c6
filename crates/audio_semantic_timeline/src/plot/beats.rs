//! Draws beats and bars while they are distinguishable, else the number of beats per minute.

use super::layout::{Frame, LEFT, RIGHT, Row};
use super::scale::Scale;
use super::svg::{Anchor, Path, Style, Svg, colour};
use super::words::Density;
use crate::model::{BeatEvent, Summary};

/// Minimum distance between distinguishable marks, in pixels.
const APART: f64 = 5.0;
/// From this distance, in pixels, bars are also drawn through the other rows.
const WIDE: f64 = 24.0;
/// Minimum distance between bar numbers, in pixels.
const NUMBERS: f64 = 36.0;
/// Full scale of the density, in beats per minute.
const FASTEST: f64 = 240.0;

/// The row of beats.
#[derive(Debug)]
pub(super) enum BeatRow {
    /// The timeline has no beats.
    Empty,
    /// X positions of beats (none when only bars are distinguishable), and of bars with their numbers.
    Marks {
        beats: Vec<f64>,
        bars: Vec<(f64, i64)>,
        /// Typical distance between bars, in pixels.
        distance: f64,
    },
    /// Number of beats per minute.
    Density(Density),
}

impl BeatRow {
    pub(super) fn new(summary: &Summary, scale: &Scale) -> Self {
        let is_inside = |beat: &&BeatEvent| (0..scale.duration_ms()).contains(&beat.time_ms);
        let beats: Vec<&BeatEvent> = summary.beats.iter().filter(is_inside).collect();
        if beats.is_empty() {
            return Self::Empty;
        }
        let mut bars: Vec<&BeatEvent> = beats.clone();
        bars.dedup_by_key(|beat| beat.bar_index);
        let x = |beat: &&BeatEvent| scale.x(beat.time_ms);
        let distance = distance(&bars, scale);
        if distance < APART {
            return Self::Density(Density::new(scale, beats.iter().map(|beat| beat.time_ms)));
        }
        let is_apart = self::distance(&beats, scale) >= APART;
        Self::Marks {
            beats: if is_apart { beats.iter().map(x).collect() } else { Vec::new() },
            bars: bars.iter().map(|beat| (x(beat), beat.bar_index)).collect(),
            distance,
        }
    }

    /// Draws faint lines at the starts of bars through the rows above.
    pub(super) fn bar_lines(&self, svg: &mut Svg, frame: &Frame) {
        let Self::Marks { bars, distance, .. } = self else { return };
        if *distance < WIDE {
            return;
        }
        let mut lines = Path::default();
        for row in [frame.waveform, frame.loudness, frame.lanes] {
            for (x, _) in bars {
                lines.move_to(*x, row.top);
                lines.vertical(row.bottom());
            }
        }
        svg.stroke(&lines, "#d5dae1", 1.0, false);
    }

    pub(super) fn draw(&self, svg: &mut Svg, row: &Row) {
        match self {
            Self::Empty => {
                row.label(svg, row.middle(), "beats");
                row.empty(svg, "none");
            }
            Self::Marks { beats, bars, .. } => {
                row.label(svg, row.middle(), if beats.is_empty() { "bars" } else { "bars, beats" });
                marks(svg, row, beats, bars);
            }
            Self::Density(density) => density.draw(svg, row, FASTEST, "beats/min", colour::INK),
        }
    }
}

fn marks(svg: &mut Svg, row: &Row, beats: &[f64], bars: &[(f64, i64)]) {
    let (mut short, mut tall) = (Path::default(), Path::default());
    for &x in beats {
        short.move_to(x, row.bottom() - 12.0);
        short.vertical(row.bottom());
    }
    let mut free = LEFT;
    for &(x, number) in bars {
        tall.move_to(x, row.bottom() - 26.0);
        tall.vertical(row.bottom());
        if x >= free && x + NUMBERS / 2.0 <= RIGHT {
            // Bar numbers are displayed from 1.
            let style = Style::LABEL.sized(10.0).anchored(Anchor::Middle);
            svg.text(x, row.top + 12.0, style, &number.saturating_add(1).to_string());
            free = x + NUMBERS;
        }
    }
    svg.stroke(&short, colour::FAINT_INK, 1.0, false);
    svg.stroke(&tall, colour::INK, 1.5, false);
}

/// The median distance between neighbours, in pixels; the width of the row for a single one.
fn distance(beats: &[&BeatEvent], scale: &Scale) -> f64 {
    let gap = |pair: &[&BeatEvent]| pair[1].time_ms.saturating_sub(pair[0].time_ms);
    let mut gaps: Vec<i64> = beats.windows(2).map(gap).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).map_or(RIGHT - LEFT, |&gap| scale.pixels(gap as f64))
}
