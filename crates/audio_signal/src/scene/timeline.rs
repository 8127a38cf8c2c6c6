use std::ops::Range;

use media_time::{MediaTime, Window};

use super::classifier::SceneClassifier;
use super::model::logistic;
use super::texture::Texture;
use super::{SceneKind, silence};
use crate::AnalysisParams;

/// Duration of a level cell in microseconds.
const CELL_MICROS: i64 = 8_000;
/// Number of level cells in a frame.
pub(crate) const CELLS: usize = 4;
/// Maximum pause of a speaker, in cells (2 s).
const LONGEST_PAUSE: usize = 250;
/// Distance from the gate in dB that changes the odds of silence by a factor of e.
const GATE_SLOPE_DB: f32 = 3.0;

/// The data of a recording that the streaming part of the analysis keeps.
pub(crate) struct Track {
    /// Levels of 8 ms in dBFS.
    pub(crate) cells: Vec<f32>,
    /// Textures of 32 ms.
    pub(crate) textures: Vec<Texture>,
    /// The speech probability of each texture's frame.
    pub(crate) voice: Vec<f32>,
    /// Exact duration of the recording.
    pub(crate) duration: MediaTime,
}

/// A segment of one kind: a [`super::Segment`] without its loudness.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) kind: SceneKind,
    pub(crate) window: Window,
    pub(crate) confidence: f32,
    pub(crate) background_music: bool,
    pub(crate) sung: bool,
}

/// A range of cells of one kind.
pub(crate) struct CellSegment {
    pub(crate) kind: SceneKind,
    pub(crate) cells: Range<usize>,
    /// Mean probability of the kind over its frames.
    pub(crate) probability: f32,
    pub(crate) background_music: bool,
    pub(crate) sung: bool,
}

/// The spans of a recording: sorted, without overlap, covering `[0, duration)`.
pub(crate) fn spans(track: &Track, params: &AnalysisParams) -> Vec<Span> {
    let gate = silence::gate(&track.cells, &params.thresholds);
    let quiet = quiet_runs(track, gate, params.min_silence);
    let sounding = gaps(&quiet, track.cells.len());
    let silent =
        quiet.iter().map(|cells| plain(track, SceneKind::Silence, cells.clone(), |level| gate - level));
    let mut stretches: Vec<CellSegment> = silent.collect();
    if params.include_speech_music && !track.textures.is_empty() {
        let classifier = SceneClassifier::new(track);
        let parts = classifier.path(&quiet);
        stretches.extend(sounding.iter().flat_map(|gap| classifier.stretches(&parts, gap)));
    } else {
        stretches.extend(
            sounding.into_iter().map(|gap| plain(track, SceneKind::Other, gap, |level| level - gate)),
        );
    }
    stretches.sort_by_key(|stretch| stretch.cells.start);
    clear_paused(&mut stretches);
    stretches.iter().filter_map(|stretch| stretch.to_span(track.duration)).collect()
}

/// The runs of cells that are silent for `shortest`, or for the whole recording if that is less.
fn quiet_runs(track: &Track, gate: f32, shortest: MediaTime) -> Vec<Range<usize>> {
    let cells = silence::cells_of(shortest.as_micros());
    let mut runs = silence::quiet_runs(&track.cells, gate, cells.min(track.cells.len()));
    // The last cell may be truncated.
    runs.retain(|run| {
        let length = time_of(run.end).min(track.duration) - time_of(run.start);
        length >= shortest || run.len() == track.cells.len()
    });
    runs
}

fn plain(track: &Track, kind: SceneKind, cells: Range<usize>, margin_db: impl Fn(f32) -> f32) -> CellSegment {
    let levels = &track.cells[cells.clone()];
    let sum: f32 = levels.iter().map(|&level| logistic(margin_db(level) / GATE_SLOPE_DB)).sum();
    let probability = sum / levels.len().max(1) as f32;
    CellSegment { kind, cells, probability, background_music: false, sung: false }
}

/// Clears the background music of speech on both sides of a pause: music would not stop where the speaker pauses.
fn clear_paused(stretches: &mut [CellSegment]) {
    for middle in 1..stretches.len().saturating_sub(1) {
        let [before, pause, after] = &mut stretches[middle - 1..=middle + 1] else { continue };
        let is_pause = pause.kind == SceneKind::Silence && pause.cells.len() <= LONGEST_PAUSE;
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

impl CellSegment {
    fn to_span(&self, duration: MediaTime) -> Option<Span> {
        let window = Window::new(time_of(self.cells.start), time_of(self.cells.end).min(duration)).ok()?;
        (!window.is_empty()).then(|| Span {
            kind: self.kind,
            window,
            confidence: self.probability.clamp(0.0, 1.0),
            background_music: self.background_music,
            sung: self.sung,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_around_a_pause_has_no_music_under_it() {
        use SceneKind::{Music, Silence, Speech};
        let kinds =
            [(Speech, 200), (Silence, 60), (Speech, 300), (Silence, 400), (Speech, 300), (Music, 500)];
        let mut start = 0;
        let mut stretches: Vec<CellSegment> = Vec::new();
        for (kind, length) in kinds {
            let cells = start..start + length;
            start = cells.end;
            let background_music = kind == Speech;
            stretches.push(CellSegment { kind, cells, probability: 1.0, background_music, sung: false });
        }
        clear_paused(&mut stretches);
        let music: Vec<bool> = stretches.iter().map(|stretch| stretch.background_music).collect();
        assert_eq!(music, [false, false, false, false, true, false]);
    }
}
