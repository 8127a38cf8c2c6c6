use std::ops::Range;

use super::SceneKind;
use super::changes;
use super::features::{Features, features, salience};
use super::model::{BACKGROUND, MUSIC, SPEAKING};
use super::path::{Emission, Grammar, STATES, best};
use super::timeline::{CELLS, Stretch, Track};

/// The states of the path, in its order.
const KINDS: [SceneKind; STATES] = [SceneKind::Speech, SceneKind::Music, SceneKind::Other];
const SPEECH: usize = 0;
const MUSICAL: usize = 1;
/// Speech lasts a syllable at least, music and other sounds a second or more. Where nothing changes in the sound, another
/// kind must be borne out by seconds: a piece is music before its pulse is clear.
const GRAMMAR: Grammar = Grammar { shortest: [8, 40, 31], change: 15.0, likely_change: 1.0 };
/// No frame is surer than this of what it is not.
const LEAST_PROBABILITY: f32 = 0.02;
/// Frames follow from their neighbours: each tells this much that the others have not.
const NOVELTY: f32 = 0.25;
/// A voice is heard from this probability on.
const VOICED: f32 = 0.5;
/// What the frames of a segment think on average, raised to this power, is how sure they are together.
const AGREEMENT: f32 = 2.0;
/// Music is sung when a voice is heard in this part of it.
const SUNG: f32 = 0.15;
/// Pieces shorter than this, in cells (160 ms), belong to what they touch.
const SHORTEST_PIECE: usize = 20;

/// A recording's sounds, frame by frame.
pub(crate) struct Heard<'a> {
    track: &'a Track,
    features: Vec<Features>,
    salience: Vec<f32>,
    /// Stretches between changes of sound.
    sounds: Vec<Range<usize>>,
    /// Probability of each state, adding up to 1.
    probabilities: Vec<Emission>,
}

/// A stretch of the path.
pub(crate) struct Part {
    state: usize,
    cells: Range<usize>,
}

impl<'a> Heard<'a> {
    pub(crate) fn new(track: &'a Track) -> Self {
        let salience = salience(&track.textures);
        let sounds = changes::stretches(&track.textures);
        let features = features(&track.textures, &track.voice, &salience, &sounds);
        let probabilities = features.iter().zip(&track.voice).map(|(features, &voice)| {
            let spoken = voice * SPEAKING.probability(features);
            let music = (1.0 - spoken) * MUSIC.probability(features);
            [spoken, music, 1.0 - spoken - music]
        });
        Self { probabilities: probabilities.collect(), track, features, salience, sounds }
    }

    /// What is heard when, silence apart: parts that cover everything.
    pub(crate) fn path(&self, quiet: &[Range<usize>]) -> Vec<Part> {
        let mut silent = vec![false; self.features.len()];
        for run in quiet {
            let frames = run.start.div_ceil(CELLS)..(run.end / CELLS).min(silent.len());
            if !frames.is_empty() {
                silent[frames].fill(true);
            }
        }
        let emissions: Vec<Emission> =
            (0..silent.len()).map(|frame| self.emission(frame, silent[frame])).collect();
        let mut likely = silent;
        self.sounds.iter().filter(|sound| !sound.is_empty()).for_each(|sound| likely[sound.start] = true);
        let found = best(&emissions, |frame| likely[frame], &GRAMMAR);
        let cells = |frames: Range<usize>| frames.start * CELLS..frames.end * CELLS;
        found.into_iter().map(|(state, frames)| Part { state, cells: cells(frames) }).collect()
    }

    fn emission(&self, frame: usize, silent: bool) -> Emission {
        if silent {
            return [0.0; STATES];
        }
        let weight = NOVELTY * self.salience[frame];
        self.probabilities[frame].map(|probability| weight * probability.clamp(LEAST_PROBABILITY, 1.0).ln())
    }

    /// What `parts` make of the sounding cells `gap`.
    pub(crate) fn stretches(&self, parts: &[Part], gap: &Range<usize>) -> Vec<Stretch> {
        let first = parts.partition_point(|part| part.cells.end <= gap.start);
        let mut pieces: Vec<(usize, Range<usize>)> = Vec::new();
        for (index, part) in
            parts.iter().enumerate().skip(first).take_while(|(_, part)| part.cells.start < gap.end)
        {
            let last = index + 1 == parts.len();
            let end = if last { gap.end } else { part.cells.end.min(gap.end) };
            pieces.push((part.state, part.cells.start.max(gap.start)..end));
        }
        absorb_short(&mut pieces);
        pieces.into_iter().map(|(state, cells)| self.stretch(state, cells)).collect()
    }

    fn stretch(&self, state: usize, cells: Range<usize>) -> Stretch {
        let end = cells.end.div_ceil(CELLS).min(self.features.len());
        let frames = (cells.start / CELLS).min(end.saturating_sub(1))..end;
        let heard = |value: &dyn Fn(usize) -> f32| {
            let weighted = frames.clone().map(|frame| (self.salience[frame] + 1e-3, frame));
            let (sum, weight) =
                weighted.fold((0.0, 0.0), |(sum, weight), (w, frame)| (sum + w * value(frame), weight + w));
            if weight > 0.0 { sum / weight } else { 0.0 }
        };
        let voiced = |frame: usize| f32::from(u8::from(self.track.voice[frame] >= VOICED));
        let under = |frame: usize| voiced(frame) * BACKGROUND.probability(&self.features[frame]);
        let (voice, background) = (heard(&voiced), heard(&under));
        Stretch {
            kind: KINDS[state],
            cells,
            probability: together(heard(&|frame| self.probabilities[frame][state])),
            background_music: state == SPEECH && background > 0.5 * voice,
            sung: state == MUSICAL && voice >= SUNG,
        }
    }
}

/// Frames that agree are surer than each: the odds of one, raised to [`AGREEMENT`].
fn together(probability: f32) -> f32 {
    let [own, others] = [probability, 1.0 - probability].map(|part| part.max(0.0).powf(AGREEMENT));
    own / (own + others)
}

/// Gives pieces that are too short to what they touch.
fn absorb_short(pieces: &mut Vec<(usize, Range<usize>)>) {
    while pieces.len() > 1 {
        let Some(index) = pieces.iter().position(|(_, cells)| cells.len() < SHORTEST_PIECE) else { return };
        let (_, cells) = pieces.remove(index);
        match index.checked_sub(1) {
            Some(before) => pieces[before].1.end = cells.end,
            None => pieces[0].1.start = cells.start,
        }
        // What was on both sides may now be one.
        if index > 0 && index < pieces.len() && pieces[index - 1].0 == pieces[index].0 {
            let (_, next) = pieces.remove(index);
            pieces[index - 1].1.end = next.end;
        }
    }
}
