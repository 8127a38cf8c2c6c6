//! Beats from the net's activations: the best sequence of beats with its tempo, over the whole recording.
//!
//! Dynamic programming over frames and tempi (a semi-Markov model; Krebs, Böck & Widmer, "An efficient state-space model
//! for joint tempo and meter tracking", ISMIR 2015). Each beat adds about the log-odds of its frame, so that all
//! phases, tempi and octaves compete by their sums over the recording; changes of tempo have a cost.

use crate::math::log10;
use crate::simd::vectorized;

/// Range of the tempi in beats per minute, and the ratio between two of them.
const FASTEST_BPM: f64 = 220.0;
const SLOWEST_BPM: f64 = 45.0;
const TEMPO_RATIO: f64 = 1.02;
/// Limit of the number of tempi, a multiple of the vector width.
const MAX_TEMPI: usize = 96;
/// Weight, centre (BPM) and deviation (octaves) of the log-normal tempo preference, per beat.
const PREFERENCE: f32 = 1.0;
const PREFERRED_BPM: f32 = 105.0;
const PREFERENCE_OCTAVES: f32 = 0.6;
/// Cost of a change to the next tempo, and the largest change between two beats.
const CHANGE_COST: f32 = 1.0;
const MAX_CHANGE: usize = 4;
/// Frames whose decisions are in memory at once (12 minutes, 6 MB); those of earlier blocks are found again from a saved
/// state.
const BLOCK: usize = 36_000;

/// How the best beat in a frame at a tempo continues the path.
#[derive(Clone, Copy)]
struct Decision {
    interval: Choice,
    /// For a beat whose next interval has this tempo: the tempo of the interval before.
    tempo_before: u8,
}

/// The interval before a beat.
#[derive(Clone, Copy)]
enum Choice {
    First,
    Short,
    Long,
}

/// A tempo: the intervals in frames next to its period, and the value of a beat at it.
struct Tempo {
    short: usize,
    long: usize,
    preference: f32,
}

struct Search<'a> {
    values: &'a [f32],
    tempi: Vec<Tempo>,
    longest: usize,
}

/// The scores of the last `longest` frames.
#[derive(Clone)]
struct State {
    /// By frame (modulo the longest interval), then by tempo: the best score of a beat there whose next interval has
    /// this tempo.
    scores: Vec<f32>,
}

/// The last beat of the best path so far.
#[derive(Clone, Copy)]
struct End {
    score: f32,
    frame: usize,
    tempo: usize,
}

/// The frames of the best beats, given the value of a beat in each frame: about its log-odds.
pub(super) fn beats(values: &[f32], frames_per_second: f64) -> Vec<usize> {
    let search = Search::new(values, frames_per_second);
    if search.longest == 0 {
        return Vec::new();
    }
    let mut state = State { scores: vec![f32::NEG_INFINITY; search.longest * search.tempi.len()] };
    let mut saved = Vec::with_capacity(values.len() / BLOCK + 1);
    let mut end: Option<End> = None;
    let mut decisions = Vec::with_capacity(values.len().min(BLOCK) * search.tempi.len());
    for first in (0..values.len()).step_by(BLOCK) {
        saved.push(state.clone());
        decisions.clear();
        search.advance(
            &mut state,
            first,
            |decision| decisions.push(decision),
            |candidate| {
                // The path ends within the longest interval before the end.
                let is_last = candidate.frame + search.longest >= values.len();
                if is_last && end.is_none_or(|end| candidate.score > end.score) {
                    end = Some(candidate);
                }
            },
        );
    }
    end.map_or_else(Vec::new, |end| search.trace(saved, decisions, end))
}

impl<'a> Search<'a> {
    fn new(values: &'a [f32], frames_per_second: f64) -> Self {
        let tempi: Vec<Tempo> = std::iter::successors(Some(FASTEST_BPM), |bpm| Some(bpm / TEMPO_RATIO))
            .take_while(|bpm| *bpm > SLOWEST_BPM)
            .take(MAX_TEMPI)
            .map(|bpm| {
                let period = 60.0 * frames_per_second / bpm;
                let octaves =
                    log10(bpm as f32 / PREFERRED_BPM) * std::f32::consts::LOG2_10 / PREFERENCE_OCTAVES;
                Tempo {
                    short: period.floor().max(1.0) as usize,
                    long: period.ceil().max(1.0) as usize,
                    preference: -0.5 * PREFERENCE * octaves * octaves,
                }
            })
            .collect();
        let longest = tempi.last().map_or(0, |tempo| tempo.long);
        Self { values, tempi, longest }
    }

    /// Passes the block of frames from `first` on: the decision of each frame and tempo to `decide`, and the best beat of
    /// each frame to `end`.
    fn advance(
        &self,
        state: &mut State,
        first: usize,
        mut decide: impl FnMut(Decision),
        mut end: impl FnMut(End),
    ) {
        let count = self.tempi.len();
        // Scores beyond the ends of the tempi never win.
        let mut arrived = [f32::NEG_INFINITY; MAX_TEMPI + 2 * MAX_CHANGE];
        let mut choices = [Choice::First; MAX_TEMPI];
        for frame in first..self.values.len().min(first + BLOCK) {
            let value = self.values[frame];
            let mut best = End { score: f32::NEG_INFINITY, frame, tempo: 0 };
            let slot = frame % self.longest;
            for (tempo, Tempo { short, long, preference }) in self.tempi.iter().enumerate() {
                let before = |interval: usize| {
                    // A frame before the first one has no score.
                    let slot = if slot < interval { slot + self.longest } else { slot } - interval;
                    state.scores[slot * count + tempo]
                };
                let (short, long) = (before(*short), before(*long));
                let (score, choice) =
                    if long > short { (long, Choice::Long) } else { (short, Choice::Short) };
                let (score, choice) =
                    if score == f32::NEG_INFINITY { (0.0, Choice::First) } else { (score, choice) };
                let score = value + score + preference;
                arrived[MAX_CHANGE + tempo] = score;
                choices[tempo] = choice;
                if score > best.score {
                    best = End { score, frame, tempo };
                }
            }
            end(best);
            let (scores, changes) = best_changes(&arrived);
            state.scores[slot * count..][..count].copy_from_slice(&scores[..count]);
            for (tempo, (interval, change)) in choices[..count].iter().zip(&changes).enumerate() {
                let tempo_before = (tempo + *change as usize - MAX_CHANGE) as u8;
                decide(Decision { interval: *interval, tempo_before });
            }
        }
    }

    /// The beats of the path that ends there, given the `decisions` of the last block; the blocks before it are repeated.
    fn trace(&self, mut saved: Vec<State>, mut decisions: Vec<Decision>, end: End) -> Vec<usize> {
        let count = self.tempi.len();
        let (mut frame, mut tempo) = (end.frame, end.tempo);
        let mut beats = vec![frame];
        let mut has_decisions = saved.len() == frame / BLOCK + 1;
        saved.truncate(frame / BLOCK + 1);
        // Whether `tempo` is that of the interval after the beat `frame`, and not before it.
        let mut is_after = false;
        while let Some(mut state) = saved.pop() {
            let first = saved.len() * BLOCK;
            if frame < first {
                continue;
            }
            if !std::mem::take(&mut has_decisions) {
                decisions.clear();
                self.advance(&mut state, first, |decision| decisions.push(decision), |_| ());
            }
            while frame >= first {
                let row = &decisions[(frame - first) * count..][..count];
                if is_after {
                    tempo = usize::from(row[tempo].tempo_before);
                }
                let Some(interval) = self.interval(row[tempo].interval, tempo) else {
                    beats.reverse();
                    return beats;
                };
                frame -= interval;
                beats.push(frame);
                is_after = true;
            }
        }
        beats.reverse();
        beats
    }

    fn interval(&self, choice: Choice, tempo: usize) -> Option<usize> {
        match choice {
            Choice::First => None,
            Choice::Short => Some(self.tempi[tempo].short),
            Choice::Long => Some(self.tempi[tempo].long),
        }
    }
}

/// For each tempo, the best of the scores `arrived` at the tempi around, less the cost of the change, and that change plus
/// [`MAX_CHANGE`]. `arrived` has [`MAX_CHANGE`] further values at both ends.
fn best_changes(arrived: &[f32; MAX_TEMPI + 2 * MAX_CHANGE]) -> ([f32; MAX_TEMPI], [u32; MAX_TEMPI]) {
    vectorized(
        #[inline(always)]
        || {
            let mut scores = [f32::NEG_INFINITY; MAX_TEMPI];
            let mut changes = [MAX_CHANGE as u32; MAX_TEMPI];
            for change in 0..=2 * MAX_CHANGE {
                let cost = CHANGE_COST * change.abs_diff(MAX_CHANGE) as f32;
                let from = arrived[change..].iter();
                for ((score, best), from) in scores.iter_mut().zip(&mut changes).zip(from) {
                    let candidate = from - cost;
                    let is_better = candidate > *score;
                    *best = if is_better { change as u32 } else { *best };
                    *score = if is_better { candidate } else { *score };
                }
            }
            (scores, changes)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES_PER_SECOND: f64 = 50.0;

    /// Log-odds with a peak of this value at each of the `times` in s.
    fn peaks(seconds: f64, times: impl Iterator<Item = (f64, f32)>) -> Vec<f32> {
        let mut values = vec![-4.0; (seconds * FRAMES_PER_SECOND) as usize];
        for (time, value) in times {
            if let Some(slot) = values.get_mut((time * FRAMES_PER_SECOND).round() as usize) {
                *slot = value;
            }
        }
        values
    }

    fn regular(seconds: f64, bpm: f64, phase: f64, value: f32) -> impl Iterator<Item = (f64, f32)> {
        let period = 60.0 / bpm;
        (0..(seconds / period) as usize).map(move |beat| ((beat as f64 + phase) * period, value))
    }

    #[test]
    fn beats_are_found_at_every_tempo() {
        for bpm in [50.0, 72.0, 97.0, 123.0, 160.0, 205.0] {
            let values = peaks(30.0, regular(30.0, bpm, 0.4, 3.0));
            let found = beats(&values, FRAMES_PER_SECOND);
            assert!(found.iter().all(|beat| values[*beat] > 0.0), "{bpm}");
            assert_eq!(found.len(), regular(30.0, bpm, 0.4, 3.0).count(), "{bpm}");
        }
    }

    #[test]
    fn phase_with_the_higher_sum_wins() {
        let off = regular(60.0, 120.0, 0.5, 0.5).take(6);
        let values = peaks(60.0, off.chain(regular(60.0, 120.0, 0.0, 1.0)));
        let found = beats(&values, FRAMES_PER_SECOND);
        assert!(found.iter().all(|beat| values[*beat] == 1.0), "weaker beats at the start do not keep it");
    }

    #[test]
    fn missing_beats_are_bridged() {
        let played = regular(40.0, 100.0, 0.0, 2.0).enumerate().filter(|(beat, _)| beat % 16 > 1);
        let values = peaks(40.0, played.map(|(_, peak)| peak));
        let found = beats(&values, FRAMES_PER_SECOND);
        let all: Vec<usize> = (2..64).map(|beat| beat * 30).collect();
        assert!(all.iter().all(|beat| found.contains(beat)), "{found:?}");
    }

    #[test]
    fn blocks_do_not_change_the_path() {
        // Longer than two blocks.
        let seconds = 2.5 * BLOCK as f64 / FRAMES_PER_SECOND;
        let values = peaks(seconds, regular(seconds, 110.0, 0.3, 2.0));
        let found = beats(&values, FRAMES_PER_SECOND);
        assert_eq!(found.len(), regular(seconds, 110.0, 0.3, 2.0).count());
        assert!(found.iter().all(|beat| values[*beat] > 0.0));
    }

    #[test]
    fn nothing_has_no_beats() {
        assert!(beats(&[], FRAMES_PER_SECOND).is_empty());
    }
}
