//! Draws waveform and loudness.

use audio_signal::Waveform;

use super::layout::{COLUMNS, LEFT, RIGHT, Row};
use super::scale::Scale;
use super::svg::{Anchor, Path, Style, Svg, colour};
use super::text::decimal;
use crate::model::Summary;

/// Lower and upper end of the loudness axis, in LUFS.
const QUIET: f64 = -60.0;
const LOUD: f64 = 0.0;
/// Full scale of the peaks.
const FULL: f64 = 32_768.0;

/// The highest peak in dBFS; `None` for digital silence.
pub(super) fn peak_dbfs(waveform: &Waveform) -> Option<f64> {
    let peak = waveform.peaks.iter().map(|peak| peak.unsigned_abs()).max().filter(|peak| *peak > 0)?;
    Some(20.0 * (f64::from(peak) / FULL).log10())
}

pub(super) fn waveform(svg: &mut Svg, row: &Row, waveform: Option<&Waveform>, scale: &Scale) {
    row.label(svg, row.middle(), "waveform");
    let Some(waveform) = waveform else {
        return row.empty(svg, "no waveform: the recording cannot be read");
    };
    let y = |peak: i16| row.middle() - f64::from(peak) / FULL * row.height / 2.0;
    let columns = columns(waveform, scale);
    let mut path = Path::default();
    // Along the upper edges of the columns and back along the lower ones; at least one pixel high.
    let mut upper = columns.iter().enumerate().map(|(x, &[_, high])| (LEFT + x as f64 + 0.5, y(high) - 0.5));
    if let Some((first, top)) = upper.next() {
        path.move_to(first, top);
        upper.for_each(|(x, y)| path.line_to(x, y));
        for (x, &[low, _]) in columns.iter().enumerate().rev() {
            path.line_to(LEFT + x as f64 + 0.5, y(low) + 0.5);
        }
        path.close();
    }
    svg.fill(&path, colour::WAVEFORM, 1.0);
}

/// Lowest and highest peak of each column, up to the last peak.
fn columns(waveform: &Waveform, scale: &Scale) -> Vec<[i16; 2]> {
    let peaks: Vec<[i16; 2]> = waveform.channel(0).collect();
    let per_column =
        scale.millis(1.0) / 1_000.0 * f64::from(waveform.rate) / f64::from(waveform.samples_per_pixel);
    let of_column = |column: usize| {
        let from = (column as f64 * per_column) as usize;
        let to =
            (((column + 1) as f64 * per_column).ceil() as usize).clamp(from + 1, peaks.len().max(from + 1));
        let part = peaks.get(from..to)?;
        Some([part.iter().map(|peak| peak[0]).min()?, part.iter().map(|peak| peak[1]).max()?])
    };
    (0..COLUMNS).map_while(of_column).collect()
}

pub(super) fn loudness(svg: &mut Svg, row: &Row, summary: &Summary, scale: &Scale) {
    let y = |lufs: f64| row.bottom() - (lufs.clamp(QUIET, LOUD) - QUIET) / (LOUD - QUIET) * row.height;
    for lufs in [-60.0, -40.0, -20.0, 0.0] {
        let unit = if lufs < LOUD { "" } else { " LUFS" };
        row.label(svg, y(lufs), &format!("{lufs}{unit}").replace('-', "−"));
        let mut line = Path::default();
        line.move_to(LEFT, y(lufs));
        line.horizontal(RIGHT);
        svg.stroke(&line, colour::GRID, 1.0, false);
    }
    let columns = loudness_columns(summary, scale);
    let (mut area, mut line) = (Path::default(), Path::default());
    let mut at = 0;
    for run in columns.chunk_by(|a, b| a.is_some() == b.is_some()) {
        if run[0].is_some() {
            area.move_to(LEFT + at as f64, row.bottom());
            let mut x = at;
            for step in run.chunk_by(|a, b| a == b) {
                let height = y(step[0].unwrap_or(QUIET));
                if x == at {
                    line.move_to(LEFT + x as f64, height)
                } else {
                    line.vertical(height)
                }
                area.vertical(height);
                x += step.len();
                line.horizontal(LEFT + x as f64);
                area.horizontal(LEFT + x as f64);
            }
            area.vertical(row.bottom());
            area.close();
        }
        at += run.len();
    }
    svg.fill(&area, colour::LOUDNESS, 0.2);
    svg.stroke(&line, colour::LOUDNESS, 1.5, false);
    if let Some(lufs) = summary.meta.run.integrated_lufs {
        let mut whole = Path::default();
        whole.move_to(LEFT, y(lufs));
        whole.horizontal(RIGHT);
        svg.stroke(&whole, colour::INK, 1.0, true);
        let style = Style::LABEL.inked().sized(11.0).anchored(Anchor::End).haloed();
        svg.text(RIGHT - 6.0, y(lufs) - 4.0, style, &format!("integrated {}", decimal(lufs)));
    }
}

/// Mean power of each column in LUFS, to a tenth; `None` where nothing was measured or for digital silence.
fn loudness_columns(summary: &Summary, scale: &Scale) -> Vec<Option<f64>> {
    // For each column, the sum of power times measured length, and of measured length.
    let mut sums = vec![(0.0, 0.0); COLUMNS];
    let mut next = 0.0;
    for window in &summary.meta.loudness_windows {
        // Windows are consecutive. Overlapping parts of a registered timeline are skipped, so each column is visited
        // once.
        let (from, to) = (scale.column(window.start_ms).max(next), scale.column(window.end_ms));
        let Some(lufs) = window.loudness_lufs else { continue };
        let power = 10_f64.powf(lufs.clamp(-200.0, 100.0) / 10.0);
        let mut at = from;
        while at < to {
            let column = (at as usize).min(COLUMNS - 1);
            let end = to.min((column + 1) as f64);
            sums[column].0 += power * (end - at);
            sums[column].1 += end - at;
            at = end;
        }
        next = to.max(next);
    }
    let lufs = |(power, length): (f64, f64)| {
        (length > 0.0).then(|| (100.0 * (power / length).log10()).round() / 10.0)
    };
    sums.into_iter().map(lufs).collect()
}
