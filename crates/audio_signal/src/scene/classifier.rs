use std::ops::Range;

use super::SceneKind;
use super::changes;
use super::features::features;
use super::measurements::{CELLS_PER_FRAME, CellSegment, SceneMeasurements};
use super::model::{MUSIC, SPEAKING};
use super::net::{self, Activities};
use super::path::{DurationModel, Emission, STATES, viterbi};
use super::salience::salience;
use crate::math::{log10, sigmoid};

/// The kinds of the path's states, in their order.
const KINDS: [SceneKind; STATES] = [SceneKind::Speech, SceneKind::Music, SceneKind::Other];
const SPEECH: usize = 0;
const MUSICAL: usize = 1;
/// Minimum durations in frames and costs of changes. Speech lasts at least a syllable, music and other audio a second
/// or more. Where the audio does not change, another kind needs seconds of evidence, because a piece is music before
/// its pulse is clear.
const DURATIONS: DurationModel =
    DurationModel { min_frames: [8, 40, 31], switch_cost: 11.0, boundary_switch_cost: 4.0 };
/// Minimum probability of a state in a frame.
const MIN_PROBABILITY: f32 = 0.02;
/// Fraction of independent evidence in each frame, because neighbouring frames are correlated.
const EVIDENCE_WEIGHT: f32 = 0.25;
/// Probability from which an activity is present in a frame.
const PRESENT: f32 = 0.5;
/// Minimum fraction of frames with singing in sung music.
const MIN_SUNG_FRACTION: f32 = 0.15;
/// Slope and offset by which the mean log odds of a segment's frames for its kind become those of the segment, for each
/// state. Fitted by `tools/scene/evaluate.py --calibrate` on programmes that are not trained on, but for those of music: they
/// would be (1.25, -0.35) there, where sounds that resemble music are rarer than elsewhere.
const CALIBRATION: [(f32, f32); STATES] = [(2.06, 0.56), (1.0, 0.0), (0.75, -0.56)];
/// Weights, beside the net's log odds, of those of the regressions, and of the speech detector's probability less a half.
/// The net decides speech nearly alone; of music, the errors of net and regression differ.
const SPEAKING_WEIGHT: f32 = 0.1;
const VOICE_WEIGHT: f32 = 1.0;
const MUSIC_WEIGHT: f32 = 0.8;
/// Added to the log odds of speech and of music: other sounds that are called either are the worse error.
const SPEECH_OFFSET: f32 = -1.0;
const MUSIC_OFFSET: f32 = -1.2;
/// A sound between silences that is shorter than this (1 s), such as a single word, has no context that the net could use: the
/// speech detector decides.
const ISOLATED_CELLS: usize = 125;
const ISOLATED_VOICE_WEIGHT: f32 = 4.0;
const ISOLATED_SPEECH_OFFSET: f32 = 0.0;
/// Maximum magnitude of the log odds of a frame.
const MAX_LOG_ODDS: f32 = 6.0;
/// Minimum length of a piece in cells (160 ms); shorter ones are merged into a neighbour.
const MIN_PIECE_CELLS: usize = 20;

/// The audio of a recording, classified frame by frame.
pub(crate) struct SceneClassifier {
    activities: Vec<Activities>,
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

impl SceneClassifier {
    /// `active` are the ranges of cells that are not silent.
    pub(crate) fn new(measurements: &SceneMeasurements, active: &[Range<usize>]) -> Self {
        let salience = salience(&measurements.textures);
        let sections = changes::sections(&measurements.textures);
        // First, as they take the most memory in between.
        let features = features(&measurements.textures, &measurements.voice, &salience, &sections);
        let activities = net::activities(&measurements.textures, &measurements.voice);
        let isolated = isolated(active, activities.len());
        let frames = activities.iter().zip(&features).zip(&measurements.voice).zip(isolated);
        let probabilities = frames.map(|(((activities, features), &voice), isolated)| {
            let (weight, offset) = if isolated {
                (ISOLATED_VOICE_WEIGHT, ISOLATED_SPEECH_OFFSET)
            } else {
                (VOICE_WEIGHT, SPEECH_OFFSET)
            };
            let speaking = log_odds(voice * SPEAKING.probability(features));
            let spoken = log_odds(activities[net::SPEECH])
                + SPEAKING_WEIGHT * speaking
                + weight * (voice - 0.5)
                + offset;
            // The voice of a song is no speech, unless somebody speaks over the song.
            let song = activities[net::SINGING] * (1.0 - activities[net::SPEECH]);
            let spoken = sigmoid(spoken) * (1.0 - song);
            let musical = log_odds(activities[net::MUSIC].max(activities[net::SINGING]))
                + MUSIC_WEIGHT * log_odds(MUSIC.probability(features))
                + MUSIC_OFFSET;
            let music = (1.0 - spoken) * sigmoid(musical);
            [spoken, music, 1.0 - spoken - music]
        });
        Self { probabilities: probabilities.collect(), activities, salience, sections }
    }

    /// The most likely kinds over time, apart from silence: parts that cover the whole recording.
    pub(crate) fn path(&self, quiet: &[Range<usize>]) -> Vec<PathSection> {
        let mut silent = vec![false; self.activities.len()];
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
        let share = |activity: usize| {
            let present = |frame: usize| f32::from(u8::from(self.activities[frame][activity] >= PRESENT));
            self.weighted_mean(&cells, present)
        };
        let (slope, offset) = CALIBRATION[state];
        CellSegment {
            kind: KINDS[state],
            probability: sigmoid(slope * self.mean_log_odds(state, &cells) + offset),
            background_music: state == SPEECH && share(net::MUSIC) > 0.5,
            sung: state == MUSICAL && share(net::SINGING) >= MIN_SUNG_FRACTION,
            cells,
        }
    }

    fn mean_log_odds(&self, state: usize, cells: &Range<usize>) -> f32 {
        self.weighted_mean(cells, |frame| log_odds(self.probabilities[frame][state]))
    }

    /// The mean of `value` over the frames of `cells`, by their salience.
    fn weighted_mean(&self, cells: &Range<usize>, value: impl Fn(usize) -> f32) -> f32 {
        let end = cells.end.div_ceil(CELLS_PER_FRAME).min(self.activities.len());
        let frames = (cells.start / CELLS_PER_FRAME).min(end.saturating_sub(1))..end;
        let weighted = frames.map(|frame| (self.salience[frame] + 1e-3, frame));
        let (sum, weight) =
            weighted.fold((0.0, 0.0), |(sum, weight), (w, frame)| (sum + w * value(frame), weight + w));
        if weight > 0.0 { sum / weight } else { 0.0 }
    }
}

/// Whether each of `frames` frames is of a short sound between silences.
fn isolated(active: &[Range<usize>], frames: usize) -> Vec<bool> {
    let mut isolated = vec![false; frames];
    for cells in active.iter().filter(|cells| cells.len() < ISOLATED_CELLS) {
        let end = cells.end.div_ceil(CELLS_PER_FRAME).min(frames);
        isolated[(cells.start / CELLS_PER_FRAME).min(end)..end].fill(true);
    }
    isolated
}

/// The log odds of a probability, limited to ±[`MAX_LOG_ODDS`].
fn log_odds(probability: f32) -> f32 {
    let odds = probability.max(1e-6) / (1.0 - probability).max(1e-6);
    (log10(odds) * std::f32::consts::LN_10).clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_sounds_between_silences_are_isolated() {
        // A single word of 0.4 s, and speech of 1 s, in recordings that do not end with a whole frame.
        let found = isolated(&[62..112, 200..325], 82);
        let frames: Vec<usize> = (0..found.len()).filter(|frame| found[*frame]).collect();
        assert_eq!(frames, (15..28).collect::<Vec<_>>());
        assert_eq!(isolated(&[0..3, 5..9], 0), Vec::<bool>::new());
    }
}
