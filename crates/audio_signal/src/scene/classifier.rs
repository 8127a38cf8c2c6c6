use std::ops::Range;

use super::SceneKind;
use super::changes;
use super::features::{Features, features, salience};
use super::measurements::{CELLS_PER_FRAME, CellSegment, SceneMeasurements};
use super::model::{BACKGROUND, MUSIC, SPEAKING};
use super::path::{DurationModel, Emission, STATES, viterbi};

/// The kinds of the path's states, in their order.
const KINDS: [SceneKind; STATES] = [SceneKind::Speech, SceneKind::Music, SceneKind::Other];
const SPEECH: usize = 0;
const MUSICAL: usize = 1;
/// Minimum durations in frames and costs of changes. Speech lasts at least a syllable, music and other audio a second
/// or more. Where the audio does not change, another kind needs seconds of evidence, because a piece is music before
/// its pulse is clear.
const DURATIONS: DurationModel =
    DurationModel { min_frames: [8, 40, 31], switch_cost: 15.0, boundary_switch_cost: 1.0 };
/// Minimum probability of a state in a frame.
const MIN_PROBABILITY: f32 = 0.02;
/// Fraction of independent evidence in each frame, because neighbouring frames are correlated.
const EVIDENCE_WEIGHT: f32 = 0.25;
/// Minimum speech probability of a frame with a voice.
const VOICE_THRESHOLD: f32 = 0.5;
/// Exponent by which the mean probability of a segment's frames is sharpened to that of the segment.
const SHARPENING_EXPONENT: f32 = 2.0;
/// Minimum fraction of frames with a voice in sung music.
const MIN_SUNG_FRACTION: f32 = 0.15;
/// Minimum length of a piece in cells (160 ms); shorter ones are merged into a neighbour.
const MIN_PIECE_CELLS: usize = 20;

/// The audio of a recording, classified frame by frame.
pub(crate) struct SceneClassifier<'a> {
    measurements: &'a SceneMeasurements,
    features: Vec<Features>,
    salience: Vec<f32>,
    /// Sections between changes of the audio.
    sections: Vec<Range<usize>>,
    /// Probability of each state per frame; their sum is 1.
    probabilities: Vec<Emission>,
}

/// A section of the path.
pub(crate) struct PathSection {
    state: usize,
    cells: Range<usize>,
}

impl<'a> SceneClassifier<'a> {
    pub(crate) fn new(measurements: &'a SceneMeasurements) -> Self {
        let salience = salience(&measurements.textures);
        let sections = changes::sections(&measurements.textures);
        let features = features(&measurements.textures, &measurements.voice, &salience, &sections);
        let probabilities = features.iter().zip(&measurements.voice).map(|(features, &voice)| {
            let spoken = voice * SPEAKING.probability(features);
            let music = (1.0 - spoken) * MUSIC.probability(features);
            [spoken, music, 1.0 - spoken - music]
        });
        Self { probabilities: probabilities.collect(), measurements, features, salience, sections }
    }

    /// The most likely kinds over time, apart from silence: parts that cover the whole recording.
    pub(crate) fn path(&self, quiet: &[Range<usize>]) -> Vec<PathSection> {
        let mut silent = vec![false; self.features.len()];
        for run in quiet {
            let frames = run.start.div_ceil(CELLS_PER_FRAME)..(run.end / CELLS_PER_FRAME).min(silent.len());
            if !frames.is_empty() {
                silent[frames].fill(true);
            }
        }
        let emissions: Vec<Emission> =
            (0..silent.len()).map(|frame| self.emission(frame, silent[frame])).collect();
        let mut is_boundary = silent;
        self.sections
            .iter()
            .filter(|section| !section.is_empty())
            .for_each(|section| is_boundary[section.start] = true);
        let found = viterbi(&emissions, |frame| is_boundary[frame], &DURATIONS);
        let cells = |frames: Range<usize>| frames.start * CELLS_PER_FRAME..frames.end * CELLS_PER_FRAME;
        found.into_iter().map(|(state, frames)| PathSection { state, cells: cells(frames) }).collect()
    }

    fn emission(&self, frame: usize, silent: bool) -> Emission {
        if silent {
            return [0.0; STATES];
        }
        let weight = EVIDENCE_WEIGHT * self.salience[frame];
        self.probabilities[frame].map(|probability| weight * probability.clamp(MIN_PROBABILITY, 1.0).ln())
    }

    /// The segments of `parts` within `gap`, a range of cells that are not silent.
    pub(crate) fn segments(&self, parts: &[PathSection], gap: &Range<usize>) -> Vec<CellSegment> {
        let first = parts.partition_point(|part| part.cells.end <= gap.start);
        let mut pieces: Vec<(usize, Range<usize>)> = Vec::new();
        for (index, part) in
            parts.iter().enumerate().skip(first).take_while(|(_, part)| part.cells.start < gap.end)
        {
            let last = index + 1 == parts.len();
            let end = if last { gap.end } else { part.cells.end.min(gap.end) };
            pieces.push((part.state, part.cells.start.max(gap.start)..end));
        }
        merge_short(&mut pieces);
        pieces.into_iter().map(|(state, cells)| self.segment(state, cells)).collect()
    }

    fn segment(&self, state: usize, cells: Range<usize>) -> CellSegment {
        let end = cells.end.div_ceil(CELLS_PER_FRAME).min(self.features.len());
        let frames = (cells.start / CELLS_PER_FRAME).min(end.saturating_sub(1))..end;
        let weighted_mean = |value: &dyn Fn(usize) -> f32| {
            let weighted = frames.clone().map(|frame| (self.salience[frame] + 1e-3, frame));
            let (sum, weight) =
                weighted.fold((0.0, 0.0), |(sum, weight), (w, frame)| (sum + w * value(frame), weight + w));
            if weight > 0.0 { sum / weight } else { 0.0 }
        };
        let voiced = |frame: usize| f32::from(u8::from(self.measurements.voice[frame] >= VOICE_THRESHOLD));
        let under = |frame: usize| voiced(frame) * BACKGROUND.probability(&self.features[frame]);
        let (voice, background) = (weighted_mean(&voiced), weighted_mean(&under));
        CellSegment {
            kind: KINDS[state],
            cells,
            probability: sharpen(weighted_mean(&|frame| self.probabilities[frame][state])),
            background_music: state == SPEECH && background > 0.5 * voice,
            sung: state == MUSICAL && voice >= MIN_SUNG_FRACTION,
        }
    }
}

/// Sharpens a frame's probability to that of several agreeing frames: its odds, raised to [`SHARPENING_EXPONENT`].
fn sharpen(probability: f32) -> f32 {
    let [own, others] = [probability, 1.0 - probability].map(|part| part.max(0.0).powf(SHARPENING_EXPONENT));
    own / (own + others)
}

/// Merges short pieces into a neighbour.
fn merge_short(pieces: &mut Vec<(usize, Range<usize>)>) {
    while pieces.len() > 1 {
        let Some(index) = pieces.iter().position(|(_, cells)| cells.len() < MIN_PIECE_CELLS) else { return };
        let (_, cells) = pieces.remove(index);
        match index.checked_sub(1) {
            Some(before) => pieces[before].1.end = cells.end,
            None => pieces[0].1.start = cells.start,
        }
        // The pieces on both sides may now be of the same state.
        if index > 0 && index < pieces.len() && pieces[index - 1].0 == pieces[index].0 {
            let (_, next) = pieces.remove(index);
            pieces[index - 1].1.end = next.end;
        }
    }
}
