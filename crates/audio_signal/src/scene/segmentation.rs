use std::ops::Range;

use media_time::{MediaTime, Window};

use super::classifier::SceneClassifier;
use super::measurements::{CellSegment, SceneMeasurements};
use super::{SceneKind, silence};
use crate::AnalysisParams;
use crate::math::sigmoid;

/// Duration of a level cell in microseconds.
const CELL_MICROS: i64 = 8_000;
/// Maximum pause of a speaker, in cells (2 s).
const MAX_PAUSE_CELLS: usize = 250;
/// Distance from the gate in dB that changes the odds of silence by a factor of e.
const GATE_SLOPE_DB: f32 = 3.0;
/// Duration in cells at which half of the silences are pauses that people mark (0.42 s), and the range in which the
/// confidence depends on the duration.
const MARKED_CELLS: f32 = 52.5;
const DECIDING_CELLS: (f32, f32) = (37.5, 100.0);

/// A segment of one kind: a [`super::Segment`] without its loudness.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimedSegment {
    pub(crate) kind: SceneKind,
    pub(crate) window: Window,
    pub(crate) confidence: f32,
    pub(crate) background_music: bool,
    pub(crate) sung: bool,
}

/// The segments of a recording: sorted, without overlap, covering `[0, duration)`.
pub(crate) fn segments(measurements: &SceneMeasurements, params: &AnalysisParams) -> Vec<TimedSegment> {
    let gate = silence::gate(&measurements.cells, &params.thresholds);
    let quiet = quiet_runs(measurements, gate, params.min_silence);
    let active = gaps(&quiet, measurements.cells.len());
    let silent = quiet.iter().map(|cells| {
        let mut segment =
            level_segment(measurements, SceneKind::Silence, cells.clone(), |level| gate - level);
        segment.probability *= marked(cells.len());
        segment
    });
    let mut segments: Vec<CellSegment> = silent.collect();
    if params.include_speech_music && !measurements.textures.is_empty() {
        let classifier = SceneClassifier::new(measurements, &active);
        let parts = classifier.path(&quiet);
        segments.extend(active.iter().flat_map(|gap| classifier.segments(&parts, gap)));
    } else {
        segments.extend(
            active
                .into_iter()
                .map(|gap| level_segment(measurements, SceneKind::Other, gap, |level| level - gate)),
        );
    }
    segments.sort_by_key(|segment| segment.cells.start);
    clear_music_around_pauses(&mut segments);
    segments.iter().filter_map(|segment| to_timed(segment, measurements.duration)).collect()
}

/// The runs of cells that are silent for `min_duration`, or for the whole recording if that is less.
fn quiet_runs(measurements: &SceneMeasurements, gate: f32, min_duration: MediaTime) -> Vec<Range<usize>> {
    let cells = silence::cells_of(min_duration.as_micros());
    let mut runs = silence::quiet_runs(&measurements.cells, gate, cells.min(measurements.cells.len()));
    // The last cell may be truncated.
    runs.retain(|run| {
        let length = time_of(run.end).min(measurements.duration) - time_of(run.start);
        length >= min_duration || run.len() == measurements.cells.len()
    });
    runs
}

fn level_segment(
    measurements: &SceneMeasurements,
    kind: SceneKind,
    cells: Range<usize>,
    margin_db: impl Fn(f32) -> f32,
) -> CellSegment {
    let levels = &measurements.cells[cells.clone()];
    let sum: f32 = levels.iter().map(|&level| sigmoid(margin_db(level) / GATE_SLOPE_DB)).sum();
    let probability = sum / levels.len().max(1) as f32;
    CellSegment { kind, cells, probability, background_music: false, sung: false }
}

/// The share of silences of so many cells that people mark: a shorter pause is part of the speech around it. Fitted on
/// composed programmes, where pauses of 0.4 s and more are marked.
fn marked(cells: usize) -> f32 {
    let (least, most) = DECIDING_CELLS;
    let odds = ((cells as f32).clamp(least, most) / MARKED_CELLS).powi(6);
    odds / (1.0 + odds)
}

/// Clears the background music of speech on both sides of a pause: music would not stop where the speaker pauses.
fn clear_music_around_pauses(segments: &mut [CellSegment]) {
    for middle in 1..segments.len().saturating_sub(1) {
        let [before, pause, after] = &mut segments[middle - 1..=middle + 1] else { continue };
        let is_pause = pause.kind == SceneKind::Silence && pause.cells.len() <= MAX_PAUSE_CELLS;
        if is_pause && before.kind == SceneKind::Speech && after.kind == SceneKind::Speech {
            (before.background_music, after.background_music) = (false, false);
        }
    }
}

fn gaps(runs: &[Range<usize>], len: usize) -> Vec<Range<usize>> {
    let starts = std::iter::once(0).chain(runs.iter().map(|run| run.end));
    let ends = runs.iter().map(|run| run.start).chain([len]);
    starts.zip(ends).map(|(start, end)| start..end).filter(|gap| !gap.is_empty()).collect()
}

fn time_of(cell: usize) -> MediaTime {
    MediaTime::from_micros(i64::try_from(cell).unwrap_or(i64::MAX).saturating_mul(CELL_MICROS))
}

fn to_timed(segment: &CellSegment, duration: MediaTime) -> Option<TimedSegment> {
    let window = Window::new(time_of(segment.cells.start), time_of(segment.cells.end).min(duration)).ok()?;
    (!window.is_empty()).then(|| TimedSegment {
        kind: segment.kind,
        window,
        confidence: segment.probability.clamp(0.0, 1.0),
        background_music: segment.background_music,
        sung: segment.sung,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_silences_are_less_certain() {
        assert!(marked(0) == marked(37) && marked(37) > 0.1 && marked(37) < 0.15);
        assert!(marked(60) > 0.6 && marked(100) > 0.97 && marked(100) == marked(1_000));
    }

    #[test]
    fn speech_around_a_pause_has_no_music_under_it() {
        use SceneKind::{Music, Silence, Speech};
        let kinds =
            [(Speech, 200), (Silence, 60), (Speech, 300), (Silence, 400), (Speech, 300), (Music, 500)];
        let mut start = 0;
        let mut segments: Vec<CellSegment> = Vec::new();
        for (kind, length) in kinds {
            let cells = start..start + length;
            start = cells.end;
            let background_music = kind == Speech;
            segments.push(CellSegment { kind, cells, probability: 1.0, background_music, sung: false });
        }
        clear_music_around_pauses(&mut segments);
        let music: Vec<bool> = segments.iter().map(|segment| segment.background_music).collect();
        assert_eq!(music, [false, false, false, false, true, false]);
    }
}
