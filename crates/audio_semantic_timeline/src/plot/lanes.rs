//! Draws a lane for each kind of audio: its spans, or for too many of them, the covered part of each column as a
//! height.

use super::layout::{COLUMNS, LEFT, Row};
use super::scale::{Coverage, Scale};
use super::svg::{Path, Svg, colour};
use crate::model::{AudioEvent, EventKind, Summary};

const LANE: f64 = 20.0;
const PITCH: f64 = 24.0;
/// Height of the strip that marks singing.
const STRIP: f64 = 4.0;

pub(super) fn draw(svg: &mut Svg, row: &Row, summary: &Summary, scale: &Scale) {
    let kinds = [
        (EventKind::Speech, "speech", colour::SPEECH),
        (EventKind::Music, "music", colour::MUSIC),
        (EventKind::Other, "other", colour::OTHER),
        (EventKind::Silence, "silence", colour::SILENCE),
    ];
    for (index, (kind, name, fill)) in kinds.into_iter().enumerate() {
        let lane = Row { top: row.top + index as f64 * PITCH, height: LANE };
        lane.label(svg, lane.middle(), name);
        let shape = |is_shown: &dyn Fn(&AudioEvent) -> bool, height: f64| {
            shape(summary, scale, is_shown, lane.bottom(), height)
        };
        if kind == EventKind::Music {
            let has_music = |event: &AudioEvent| event.kind == kind || event.meta.background.is_some();
            svg.fill(&shape(&has_music, LANE), fill, 0.4);
        }
        svg.fill(&shape(&|event| event.kind == kind, LANE), fill, 1.0);
        if kind == EventKind::Music {
            svg.fill(&shape(&|event| event.meta.sung, STRIP), colour::SUNG, 1.0);
        }
    }
}

/// Maximum number of events that are drawn as spans, one for two columns; beyond that, coverage is drawn.
const MAX_EVENTS: usize = COLUMNS / 2;
/// Minimum width of a span, in pixels.
const NARROWEST: f64 = 1.0;

/// The spans of the events for which `is_shown` is true, from `bottom` upwards.
fn shape(
    summary: &Summary,
    scale: &Scale,
    is_shown: &dyn Fn(&AudioEvent) -> bool,
    bottom: f64,
    height: f64,
) -> Path {
    let spans =
        || summary.events.iter().filter(|event| is_shown(event)).map(|event| (event.start_ms, event.end_ms));
    let columns = |(start_ms, end_ms)| scale.column(start_ms)..scale.column(end_ms);
    if summary.events.len() > MAX_EVENTS {
        let mut coverage = Coverage::new();
        spans().map(columns).for_each(|span| coverage.add(span));
        return covered(&coverage, bottom, height);
    }
    let mut path = Path::default();
    for span in spans().map(columns).filter(|span| span.start < span.end) {
        let end = span.end.max(span.start + NARROWEST);
        path.move_to(LEFT + span.start, bottom);
        path.vertical(bottom - height);
        path.horizontal(LEFT + end);
        path.vertical(bottom);
        path.close();
    }
    path
}

/// Steps with the coverage of each column as their height, to a tenth of a pixel.
fn covered(coverage: &Coverage, bottom: f64, height: f64) -> Path {
    let mut path = Path::default();
    let tenths = |part: f64| (part * height * 10.0).round() as i32;
    let columns: Vec<i32> = coverage.columns().map(tenths).collect();
    let mut at = 0;
    for run in columns.chunk_by(|a, b| (*a == 0) == (*b == 0)) {
        if run[0] > 0 {
            path.move_to(LEFT + at as f64, bottom);
            let mut x = at;
            for step in run.chunk_by(|a, b| a == b) {
                x += step.len();
                path.vertical(bottom - f64::from(step[0]) / 10.0);
                path.horizontal(LEFT + x as f64);
            }
            path.vertical(bottom);
            path.close();
        }
        at += run.len();
    }
    debug_assert_eq!(at, COLUMNS);
    path
}
