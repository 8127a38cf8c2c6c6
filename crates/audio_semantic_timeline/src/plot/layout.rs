//! Positions of the rows, and the elements around them: heading, legend, grid, time axis.

use super::Picture;
use super::scale::Scale;
use super::svg::{Anchor, Path, Style, Svg, colour};
use super::text::{clipped, width};
use crate::model::{EventKind, Summary};

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

    fn rows(&self) -> [Row; 5] {
        [self.waveform, self.loudness, self.lanes, self.words, self.beats]
    }
}

/// Draws background, name, facts and legend.
pub(super) fn heading(svg: &mut Svg, picture: &Picture<'_>, frame: &Frame) {
    let summary = picture.summary;
    let room = RIGHT - 24.0;
    let name = clipped(picture.name, 18.0, room).unwrap_or_default();
    let facts = facts(picture);
    svg.describe(&format!("Timeline of {name}"), &format!("{facts}. {}.", shares(summary)));
    svg.rect([0.0, 0.0, WIDTH.into(), frame.height.into()], "#ffffff");
    svg.text(24.0, 34.0, Style::LABEL.inked().sized(18.0), &name);
    svg.text(24.0, 56.0, Style::LABEL, &clipped(&facts, 12.0, room).unwrap_or_default());
    legend(svg, summary);
}

fn legend(svg: &mut Svg, summary: &Summary) {
    let has = |test: fn(&crate::model::AudioEvent) -> bool| summary.events.iter().any(test);
    let entries = [
        (true, "speech", colour::SPEECH),
        (true, "music", colour::MUSIC),
        (has(|event| event.meta.background.is_some()), "music under speech", "#f5d999"),
        (has(|event| event.meta.sung), "sung", colour::SUNG),
        (true, "other", colour::OTHER),
        (true, "silence", colour::SILENCE),
        (!summary.meta.loudness_windows.is_empty(), "loudness", colour::LOUDNESS),
        (!summary.beats.is_empty(), "beats and bars", colour::INK),
    ];
    let mut x = 24.0;
    for (_, name, fill) in entries.into_iter().filter(|(is_shown, ..)| *is_shown) {
        svg.rect([x, 69.0, 11.0, 11.0], fill);
        svg.text(x + 16.0, 79.0, Style::LABEL, name);
        x += 36.0 + width(name, 12.0);
    }
}

/// Draws panels behind the rows, grid lines at the marks of the time axis, and the axis.
pub(super) fn grid(svg: &mut Svg, scale: &Scale, frame: &Frame) {
    for row in frame.rows() {
        svg.rect([LEFT, row.top, COLUMNS as f64, row.height], colour::PANEL);
    }
    let mut lines = Path::default();
    for (ms, label) in scale.marks() {
        let x = scale.x(ms);
        for row in frame.rows() {
            lines.move_to(x, row.top);
            lines.vertical(row.bottom());
        }
        svg.text(x, frame.beats.bottom() + 20.0, Style::LABEL.anchored(Anchor::Middle), &label);
    }
    svg.stroke(&lines, colour::GRID, 1.0, false);
}

/// A line that summarizes the timeline.
fn facts(picture: &Picture<'_>) -> String {
    let (summary, run) = (picture.summary, &picture.summary.meta.run);
    let mut facts = vec![media_time::MediaTime::from_millis(summary.duration_ms.max(0)).to_string()];
    facts.extend(run.integrated_lufs.map(|lufs| format!("{} LUFS", decimal(lufs))));
    facts.extend(run.loudness_range_lu.map(|range| format!("loudness range {} LU", decimal(range))));
    facts.extend(
        picture
            .waveform
            .and_then(super::levels::peak_dbfs)
            .map(|peak| format!("peak {} dBFS", decimal(peak))),
    );
    facts.extend(run.tempo_bpm.map(|bpm| format!("{} BPM", decimal(bpm))));
    facts.extend(run.language.as_ref().map(|language| format!("language {language}")));
    facts.push(format!("backend {}", run.backend_version));
    if run.backend_type == "stub" {
        facts.insert(0, "made up by the stub backend, nothing was measured".to_owned());
    }
    facts.join(" · ")
}

/// Formats one decimal with a typographic minus; clamped, because a registered timeline may have any value.
pub(super) fn decimal(value: f64) -> String {
    format!("{:.1}", value.clamp(-9_999.0, 9_999.0)).replace('-', "−")
}

/// The share of each kind of audio in the timeline, in percent.
fn shares(summary: &Summary) -> String {
    let share = |kind: EventKind| {
        let of_kind = summary.events.iter().filter(|event| event.kind == kind);
        let length = of_kind.fold(0_i64, |length, event| {
            length.saturating_add(event.end_ms.saturating_sub(event.start_ms).max(0))
        });
        (100.0 * length as f64 / summary.duration_ms.max(1) as f64).min(100.0)
    };
    let kinds = [
        ("Speech", EventKind::Speech),
        ("music", EventKind::Music),
        ("other", EventKind::Other),
        ("silence", EventKind::Silence),
    ];
    kinds.map(|(name, kind)| format!("{name} {:.0} %", share(kind))).join(", ")
}
