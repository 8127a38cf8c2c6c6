//! The beat grid: which beats count, where they stand in their bars, and the tempo they have.

use media_time::MediaTime;

use super::PULSE_STRIDE;
use super::bars::{self, FEATURES};
use super::pulse::RANGES;
use super::tempo::{self, TempoPath, Tempogram};
use super::timbre::Timbre;

/// Significance (standard deviations) that a run of beats reaches somewhere: speech stays
/// below 7, music reaches 10 and more …
const CLEAR_SIGNIFICANCE: f32 = 8.0;
/// … and keeps everywhere. At the ends of a recording only one side bears witness, which costs up to a half.
const MIN_SIGNIFICANCE: f32 = 3.5;
/// Fewer beats in a row are chance.
const MIN_BEATS: usize = 4;
/// Tempi listed beside the main one, as ratios to it.
const RELATED_TEMPI: [f64; 6] = [0.5, 2.0, 2.0 / 3.0, 1.5, 1.0 / 3.0, 3.0];
/// How sharply the weights of the candidates follow their saliences.
const CANDIDATE_SHARPNESS: f64 = 8.0;
/// Beat sounds are the largest value within this many pulse frames.
const SOUND_REACH: usize = 3;

/// A beat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beat {
    /// When it falls.
    pub time: MediaTime,
    /// Counts all beats of the recording from 0.
    pub beat_index: u32,
    /// Counts bars from 0, which starts at the first downbeat; beats before that are its pickup and count to it. After an
    /// interruption a pickup is a bar of its own.
    pub bar_index: u32,
    /// Position in the bar from 1, the downbeat, to 4 or 3.
    pub position: u32,
    /// How clear the beat is around here, 0 to 1.
    pub confidence: f32,
}

/// The tempo of a recording as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Tempo {
    /// Beats per minute of the beats found: 60 s over the median interval.
    pub bpm: f64,
    /// The tempo and those it may be taken for, half and double always among them; by falling weight.
    pub candidates: Vec<TempoCandidate>,
}

/// A tempo that the recording may be taken to have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TempoCandidate {
    /// Beats per minute.
    pub bpm: f64,
    /// Share of belief, 0 to 1; the weights of all candidates add up to 1.
    pub weight: f64,
}

/// Runs of beats that are not chance: everywhere in what is `heard`, nowhere insignificant, and somewhere clear.
pub(super) fn audible_runs(
    beats: &[usize],
    path: &TempoPath,
    heard: impl Fn(usize) -> bool,
) -> Vec<Vec<usize>> {
    let audible = |beat: &usize| heard(*beat) && path.significance(*beat) >= MIN_SIGNIFICANCE;
    let clear = |beat: &usize| path.significance(*beat) >= CLEAR_SIGNIFICANCE;
    beats
        .chunk_by(|a, b| audible(a) == audible(b))
        .filter(|run| run.len() >= MIN_BEATS && audible(&run[0]) && run.iter().any(clear))
        .map(<[usize]>::to_vec)
        .collect()
}

/// What sounds on each beat of a run.
pub(super) type BeatSounds = Vec<[f32; FEATURES]>;

/// What bars are found by.
pub(super) struct Sound<'a> {
    pub(super) ranges: &'a [Vec<f32>; RANGES],
    pub(super) timbre: &'a Timbre,
}

/// The beats of `runs` with their places in bars, which begin anew in each run and follow from its `sounds`.
///
/// `time` tells when a frame is, `enters` whether the sound there breaks a silence.
pub(super) fn number(
    runs: &[Vec<usize>],
    sounds: &[BeatSounds],
    path: &TempoPath,
    time: impl Fn(usize) -> MediaTime,
    enters: impl Fn(usize) -> bool,
) -> Vec<Beat> {
    let mut beats: Vec<Beat> = Vec::new();
    let mut downbeats = 0u32;
    for (run, sounds) in runs.iter().zip(sounds) {
        let positions = bars::positions(sounds, enters(run[0]));
        if !beats.is_empty() {
            // What came before keeps its last bar; a pickup to what comes now is a bar of its own.
            downbeats = downbeats.max(1) + u32::from(positions.first().is_some_and(|first| *first != 0));
        }
        for (frame, position) in run.iter().zip(positions) {
            downbeats += u32::from(position == 0);
            beats.push(Beat {
                time: time(*frame),
                beat_index: beats.len() as u32,
                bar_index: downbeats.saturating_sub(1),
                position: position as u32 + 1,
                confidence: confidence(path.significance(*frame)),
            });
        }
    }
    beats
}

impl Sound<'_> {
    /// What sounds on each beat of a run.
    pub(super) fn of(&self, run: &[usize]) -> BeatSounds {
        let beat = |index: usize| {
            // From the beat before to the beat after, where there are both.
            let (before, after) = (index.saturating_sub(1), (index + 1).min(run.len() - 1));
            let length = (run[after] - run[before]) as f64 / (after - before).max(1) as f64;
            let change = |beats: f64| {
                let stride = PULSE_STRIDE as f64;
                self.timbre.change(run[index] as f64 * stride, length * beats * stride)
            };
            [self.low(run[index]), change(0.5), change(1.0), change(2.0)]
        };
        (0..run.len()).map(beat).collect()
    }

    /// How strongly kick and bass sound around `frame`.
    fn low(&self, frame: usize) -> f32 {
        let low = &self.ranges[0];
        let around = &low[frame.saturating_sub(SOUND_REACH)..low.len().min(frame + SOUND_REACH + 1)];
        around.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}

/// Significance as a share of belief: one half where chance may reach.
fn confidence(significance: f32) -> f32 {
    1.0 / (1.0 + (CLEAR_SIGNIFICANCE - significance).exp())
}

/// The tempo of `beats` and what else it may be; `None` when there are none.
pub(super) fn tempo(beats: &[Beat], tempogram: &Tempogram, path: &TempoPath) -> Option<Tempo> {
    let mut intervals: Vec<i64> =
        beats.windows(2).map(|pair| (pair[1].time - pair[0].time).as_micros()).collect();
    intervals.sort_unstable();
    let median = *intervals.get(intervals.len() / 2)?;
    let bpm = 60e6 / median as f64;
    let audible = |point: usize| path.significance[point] >= MIN_SIGNIFICANCE;
    let main = tempogram.mean_salience(bpm, audible).filter(|salience| *salience > 0.0)?;
    let belief = |ratio: f64| {
        // Of tempi that were not looked at, only the preference is known.
        let unseen = || 0.5 * main * (tempo::preference(bpm * ratio) / tempo::preference(bpm)).min(1.0);
        let salience = tempogram.mean_salience(bpm * ratio, audible).unwrap_or_else(unseen);
        (CANDIDATE_SHARPNESS * (salience / main - 1.0)).exp()
    };
    let beliefs: Vec<(f64, f64)> =
        std::iter::once(1.0).chain(RELATED_TEMPI).map(|ratio| (bpm * ratio, belief(ratio))).collect();
    let total: f64 = beliefs.iter().map(|(_, belief)| belief).sum();
    let mut candidates: Vec<TempoCandidate> =
        beliefs.into_iter().map(|(bpm, belief)| TempoCandidate { bpm, weight: belief / total }).collect();
    candidates.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    Some(Tempo { bpm, candidates })
}
