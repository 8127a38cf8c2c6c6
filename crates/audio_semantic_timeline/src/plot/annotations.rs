//! Draws what surrounds the rows: heading, legend, grid and time axis.

use super::input::PlotInput;
use super::layout::{COLUMNS, Frame, LEFT, RIGHT, WIDTH};
use super::levels::peak_dbfs;
use super::scale::Scale;
use super::svg::{Anchor, Path, Style, Svg, colour};
use super::text::{clipped, decimal, width};
use crate::model::{AudioEvent, EventKind, Summary};

/// Draws background, name, facts and legend.
pub(super) fn heading(svg: &mut Svg, input: &PlotInput<'_>, frame: &Frame) {
    let summary = input.summary;
    let room = RIGHT - 24.0;
    let name = clipped(input.name, 18.0, room).unwrap_or_default();
    let facts = facts(input);
    svg.describe(&format!("Timeline of {name}"), &format!("{facts}. {}.", shares(summary)));
    svg.rect([0.0, 0.0, WIDTH.into(), frame.height.into()], "#ffffff");
    svg.text(24.0, 34.0, Style::LABEL.inked().sized(18.0), &name);
    svg.text(24.0, 56.0, Style::LABEL, &clipped(&facts, 12.0, room).unwrap_or_default());
    legend(svg, summary);
}

fn legend(svg: &mut Svg, summary: &Summary) {
    let has = |test: fn(&AudioEvent) -> bool| summary.events.iter().any(test);
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
fn facts(input: &PlotInput<'_>) -> String {
    let (summary, run) = (input.summary, &input.summary.meta.run);
    let mut facts = vec![media_time::MediaTime::from_millis(summary.duration_ms.max(0)).to_string()];
    facts.extend(run.integrated_lufs.map(|lufs| format!("{} LUFS", decimal(lufs))));
    facts.extend(run.loudness_range_lu.map(|range| format!("loudness range {} LU", decimal(range))));
    facts.extend(input.waveform.and_then(peak_dbfs).map(|peak| format!("peak {} dBFS", decimal(peak))));
    facts.extend(run.tempo_bpm.map(|bpm| format!("{} BPM", decimal(bpm))));
    facts.extend(run.language.as_ref().map(|language| format!("language {language}")));
    facts.push(format!("backend {}", run.backend_version));
    if run.backend_type == "stub" {
        facts.insert(0, "made up by the stub backend, nothing was measured".to_owned());
    }
    facts.join(" · ")
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
