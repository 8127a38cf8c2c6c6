//! The beat grid: selection of beats, their positions in bars, and their tempo.

use media_time::MediaTime;

use super::bars::FEATURES;
use super::confidence::Support;
use super::period;
use super::pulse::{PULSE_STRIDE, RANGES};
use super::tempo::{self, TempoPath, Tempogram};
use super::timbre::Timbre;

/// Minimum significance (standard deviations) that a run of beats reaches at some beat: speech has less
/// than 7, music 10 and more …
const CLEAR_SIGNIFICANCE: f32 = 8.0;
/// … and at all beats. At the ends of a recording there is evidence from one side only, which costs up to a half.
pub(super) const MIN_SIGNIFICANCE: f32 = 3.5;
/// Minimum number of beats in a run; fewer are attributed to chance.
const MIN_BEATS: usize = 4;
/// Tempi listed in addition to the main one, as ratios to it.
const RELATED_TEMPI: [f64; 6] = [0.5, 2.0, 2.0 / 3.0, 1.5, 1.0 / 3.0, 3.0];
/// The candidates' log-odds: weight of their salience, and of the main one an offset and a slope by the mean confidence of the
/// beats. Fitted by `tools/rhythm/confidence.py` as the confidences of beats are.
const CANDIDATE_SHARPNESS: f64 = 2.96;
const MAIN_OFFSET: f64 = -0.14;
const MAIN_SLOPE: f64 = 3.08;
/// Minimum salience of the main tempo, where the beats have other evidence than the pulse.
const MIN_SALIENCE: f64 = 0.1;
/// Largest exponent of a weight.
const MAX_EXPONENT: f64 = 50.0;
/// The feature of a beat is the largest value within this many pulse frames.
const FEATURE_REACH: usize = 3;

/// A beat with its position in the bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beat {
    /// Time of the beat in the recording.
    pub time: MediaTime,
    /// Index of the beat in the recording, from 0.
    pub beat_index: u32,
    /// Index of the bar, from 0 at the first downbeat; earlier beats are its pickup and have its index. After an
    /// interruption, a pickup is a bar of its own.
    pub bar_index: u32,
    /// Position in the bar from 1, the downbeat, to the number of its beats (3 to 7).
    pub position: u32,
    /// By how much the evidence for the positions of the beats around exceeds that for bars counted from another beat (nats;
    /// negative where that has more).
    pub bar_margin: f32,
    /// Probability that the beat is right, 0 to 1.
    pub confidence: f32,
}

/// The tempo of a recording as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Tempo {
    /// Beats per minute of the detected beats: the median of the sections in which the tempo is constant.
    pub bpm: f64,
    /// The tempo and its alternatives, always including half and double; by descending weight.
    pub candidates: Vec<TempoCandidate>,
}

/// A possible tempo of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TempoCandidate {
    /// Tempo in beats per minute.
    pub bpm: f64,
    /// Posterior weight, 0 to 1; the weights of all candidates add up to 1.
    pub weight: f64,
}

/// Runs of beats that are not due to chance: within frames for which `can_have_beat` holds, significant at all beats
/// and clear at one at least.
pub(super) fn significant_runs(
    beats: &[usize],
    path: &TempoPath,
    can_have_beat: impl Fn(usize) -> bool,
) -> Vec<Vec<usize>> {
    let audible = |beat: &usize| can_have_beat(*beat) && path.significance(*beat) >= MIN_SIGNIFICANCE;
    let clear = |beat: &usize| path.significance(*beat) >= CLEAR_SIGNIFICANCE;
    beats
        .chunk_by(|a, b| audible(a) == audible(b))
        .filter(|run| run.len() >= MIN_BEATS && audible(&run[0]) && run.iter().any(clear))
        .map(<[usize]>::to_vec)
        .collect()
}

/// The features of each beat of a run.
pub(super) type BeatFeatures = Vec<[f32; FEATURES]>;

/// The input for the positions of beats in bars.
pub(super) struct BeatEvidence<'a> {
    pub(super) ranges: &'a [Vec<f32>; RANGES],
    pub(super) timbre: &'a Timbre,
}

/// A beat of an unbroken run, not yet numbered.
#[derive(Clone, Copy)]
pub(super) struct PlacedBeat {
    pub(super) time: MediaTime,
    /// Position in its bar; 0 is the downbeat.
    pub(super) position: usize,
    /// See [`Beat::bar_margin`].
    pub(super) bar_margin: f32,
    pub(super) support: Support,
}

/// The beats of `runs`, numbered. Positions in bars restart in each run.
pub(super) fn number_beats(runs: &[Vec<PlacedBeat>]) -> Vec<Beat> {
    let mut beats: Vec<Beat> = Vec::new();
    let mut downbeats = 0u32;
    for run in runs {
        if !beats.is_empty() {
            // The previous run keeps its last bar; a pickup of this run is a bar of its own.
            downbeats = downbeats.max(1) + u32::from(run.first().is_some_and(|first| first.position != 0));
        }
        for PlacedBeat { time, position, bar_margin, support } in run {
            downbeats += u32::from(*position == 0);
            beats.push(Beat {
                time: *time,
                beat_index: beats.len() as u32,
                bar_index: downbeats.saturating_sub(1),
                position: *position as u32 + 1,
                bar_margin: *bar_margin,
                confidence: support.confidence(),
            });
        }
    }
    beats
}

impl BeatEvidence<'_> {
    /// The features of each beat of a run.
    pub(super) fn of(&self, run: &[usize]) -> BeatFeatures {
        let beat = |index: usize| {
            // From the previous beat to the next one, if both exist.
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

    /// Strength of kick and bass around `frame`.
    fn low(&self, frame: usize) -> f32 {
        let low = &self.ranges[0];
        let around = &low[frame.saturating_sub(FEATURE_REACH)..low.len().min(frame + FEATURE_REACH + 1)];
        around.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}

/// A tempo related to that of the beats.
#[derive(Clone, Copy)]
pub(super) struct RelatedTempo {
    /// Its ratio to that of the beats.
    pub(super) ratio: f64,
    pub(super) bpm: f64,
    /// Salience relative to that of the beats' tempo.
    pub(super) salience: f64,
}

/// The tempo of the beats of `runs` and those related to it, from the points of the tempogram for which `counts` holds; none
/// if there are no beats.
pub(super) fn related_tempi(
    runs: &[Vec<PlacedBeat>],
    tempogram: &Tempogram,
    counts: impl Fn(usize) -> bool,
) -> Vec<RelatedTempo> {
    let times = |run: &Vec<PlacedBeat>| run.iter().map(|beat| beat.time.as_secs_f64()).collect();
    let Some(period) = period::typical(&runs.iter().map(times).collect::<Vec<Vec<f64>>>()) else {
        return Vec::new();
    };
    let bpm = 60.0 / period;
    let main = tempogram.mean_salience(bpm, &counts).map_or(MIN_SALIENCE, |main| main.max(MIN_SALIENCE));
    let related = |ratio: f64| {
        // Tempi outside the tempogram are weighted by the tempo preference only.
        let unseen = || 0.5 * main * (tempo::preference(bpm * ratio) / tempo::preference(bpm)).min(1.0);
        let salience = tempogram.mean_salience(bpm * ratio, &counts).unwrap_or_else(unseen);
        RelatedTempo { ratio, bpm: bpm * ratio, salience: salience / main }
    };
    std::iter::once(1.0).chain(RELATED_TEMPI).map(related).collect()
}

/// The tempo and its alternatives, given the tempi related to it (itself first), and the mean confidence of its beats.
pub(super) fn tempo(related: &[RelatedTempo], confidence: f64) -> Option<Tempo> {
    let main = related.first()?;
    let main_odds = MAIN_OFFSET + MAIN_SLOPE * confidence;
    let weight = |(index, tempo): (usize, &RelatedTempo)| {
        let odds = CANDIDATE_SHARPNESS * (tempo.salience - 1.0) + if index == 0 { main_odds } else { 0.0 };
        (tempo.bpm, odds.min(MAX_EXPONENT).exp())
    };
    let weights: Vec<(f64, f64)> = related.iter().enumerate().map(weight).collect();
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut candidates: Vec<TempoCandidate> =
        weights.into_iter().map(|(bpm, weight)| TempoCandidate { bpm, weight: weight / total }).collect();
    candidates.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    Some(Tempo { bpm: main.bpm, candidates })
}
