//! Tempo over time: a bank of resonators that tolerate small timing deviations, and the best path
//! through their responses.

use super::grid::MIN_SIGNIFICANCE;
use super::pulse::Pulse;
use super::resonators::Bank;

/// Range of the analysed tempi in beats per minute: wider than that of music, because half and double the period are
/// evidence for a period.
const SLOWEST_BPM: f64 = 30.0;
const FASTEST_BPM: f64 = 320.0;
/// Centre (BPM) and deviation (octaves) of the log-normal tempo preference (after van Noorden & Moelants,
/// "Resonance in the perception of musical pulse", JNMR 1999).
const PREFERRED_BPM: f64 = 105.0;
const PREFERENCE_OCTAVES: f64 = 1.0;
/// Weight of the responses at double and half the period in the salience of a period: a beat has bars and subdivisions.
const METRICAL_SUPPORT: f64 = 0.5;
/// Seconds between two points of the tempo path.
const STEP_SECONDS: f64 = 1.0;
/// Cost of a tempo change between two points: per octave, and its maximum.
const CHANGE_COST_PER_OCTAVE: f64 = 20.0;
const CHANGE_COST_MAX: f64 = 15.0;
/// Maximum relative difference of periods within a steady section of a path.
const STEADY: f64 = 0.1;
/// Maximum relative distance of a response's period from a tempo it belongs to.
const SAME_TEMPO: f64 = 0.04;

/// Responses of the resonators: the significance of a beat of each period around each point in time.
pub(super) struct Tempogram {
    periods: Vec<Period>,
    /// Frames between two points.
    step: usize,
    /// `responses[point * periods.len() + period]`, in standard deviations of the chance level.
    responses: Vec<f32>,
}

/// A beat period among the analysed ones.
struct Period {
    frames: usize,
    bpm: f64,
    preference: f64,
    /// Indices of the periods of half and double the length.
    related: [std::ops::Range<usize>; 2],
}

/// The tempo at each point of a recording.
pub(super) struct TempoPath {
    /// Frames between two points.
    step: usize,
    /// Beat period in frames, per point.
    periods: Vec<usize>,
    /// Significance of the beat, per point (standard deviations).
    significance: Vec<f32>,
}

impl TempoPath {
    /// The beat period in frames at `frame`.
    pub(super) fn period(&self, frame: usize) -> usize {
        self.periods[self.point(frame)]
    }

    /// The significance of the beat at `frame`.
    pub(super) fn significance(&self, frame: usize) -> f32 {
        self.significance[self.point(frame)]
    }

    /// Whether there is a beat around `point`.
    pub(super) fn is_audible(&self, point: usize) -> bool {
        self.significance[point] >= MIN_SIGNIFICANCE
    }

    fn point(&self, frame: usize) -> usize {
        ((frame + self.step / 2) / self.step).min(self.periods.len() - 1)
    }

    /// Whether there is no tempo change between the frames `a` and `b`, which are consecutive beats on this path.
    pub(super) fn is_steady(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.period(a) as f64, self.period(b) as f64);
        (a - b).abs() < STEADY * a.max(b)
    }

    /// Copies the points of `other` around the frames from `first` to `last`.
    pub(super) fn replace(&mut self, other: &Self, first: usize, last: usize) {
        let points = self.point(first)..=self.point(last);
        self.periods[points.clone()].copy_from_slice(&other.periods[points.clone()]);
        self.significance[points.clone()].copy_from_slice(&other.significance[points]);
    }
}

impl Tempogram {
    /// The responses to `pulse`, which has at least one frame.
    pub(super) fn new(pulse: &Pulse) -> Self {
        let periods = periods(pulse.frames_per_second);
        let count = periods.len();
        let step = ((STEP_SECONDS * pulse.frames_per_second).round() as usize).max(1);
        let bank = Bank::new(periods.iter().map(|period| period.frames).collect(), pulse.frames_per_second);

        let mut responses = Vec::new();
        bank.respond(&pulse.values, step, 0, |response| responses.push(response));
        // Backwards from the end, at the same frames.
        let offset = (pulse.values.len() - 1) % step;
        let backwards: Vec<f32> = pulse.values.iter().rev().copied().collect();
        let mut mirrored = responses.chunks_exact_mut(count).rev().flatten();
        bank.respond(&backwards, step, offset, |response| {
            if let Some(forward) = mirrored.next() {
                *forward = (*forward + response) * std::f32::consts::FRAC_1_SQRT_2;
            }
        });
        Self { periods, step, responses }
    }

    /// The tempo path with the highest sum of saliences less the cost of its changes (Viterbi).
    pub(super) fn path(&self) -> TempoPath {
        let count = self.periods.len();
        let change_costs = self.change_costs();
        let mut best = vec![0.0f64; count];
        let mut origins: Vec<u16> = Vec::with_capacity(self.responses.len());
        for responses in self.responses.chunks_exact(count) {
            let previous = best.clone();
            for period in 0..count {
                let (score, origin) = best_origin(&previous, &change_costs[period * count..][..count]);
                best[period] = score + self.salience(responses, period);
                origins.push(origin as u16);
            }
        }
        let mut index = (0..count).max_by(|a, b| best[*a].total_cmp(&best[*b])).unwrap_or(0);
        let points = self.responses.len() / count;
        let (mut periods, mut significance) = (vec![0; points], vec![0.0; points]);
        for point in (0..points).rev() {
            periods[point] = self.periods[index].frames;
            significance[point] = self.responses[point * count + index];
            index = usize::from(origins[point * count + index]);
        }
        TempoPath { step: self.step, periods, significance }
    }

    /// The path at `ratio` times the tempo of `path`, limited to the analysed tempi.
    pub(super) fn scaled(&self, path: &TempoPath, ratio: f64) -> TempoPath {
        let shortest = self.periods[0].frames;
        let nearest = |period: &usize| {
            let frames = (*period as f64 / ratio).round() as usize;
            frames.saturating_sub(shortest).min(self.periods.len() - 1)
        };
        let indices: Vec<usize> = path.periods.iter().map(nearest).collect();
        let responses = self.responses.chunks_exact(self.periods.len());
        TempoPath {
            step: self.step,
            periods: indices.iter().map(|index| self.periods[*index].frames).collect(),
            significance: indices.iter().zip(responses).map(|(index, responses)| responses[*index]).collect(),
        }
    }

    /// Mean salience of the tempo `bpm` over the points for which `counts` holds; `None` outside the analysed tempi.
    pub(super) fn mean_salience(&self, bpm: f64, counts: impl Fn(usize) -> bool) -> Option<f64> {
        let count = self.periods.len();
        let near: Vec<usize> =
            (0..count).filter(|period| (self.periods[*period].bpm / bpm - 1.0).abs() <= SAME_TEMPO).collect();
        let mut sums = vec![0.0; near.len()];
        let mut points = 0u32;
        for (point, responses) in self.responses.chunks_exact(count).enumerate() {
            if counts(point) {
                points += 1;
                sums.iter_mut()
                    .zip(&near)
                    .for_each(|(sum, period)| *sum += self.salience(responses, *period));
            }
        }
        sums.into_iter().map(|sum| sum / f64::from(points.max(1))).max_by(f64::total_cmp)
    }

    /// Evidence for this period as that of the beat, given the responses of one point.
    fn salience(&self, responses: &[f32], period: usize) -> f64 {
        let Period { preference, related, .. } = &self.periods[period];
        let support: f32 =
            related.iter().map(|range| responses[range.clone()].iter().copied().fold(0.0, f32::max)).sum();
        (f64::from(responses[period]) + METRICAL_SUPPORT * f64::from(support)) * preference
    }

    /// The cost of changing from each period to each other.
    fn change_costs(&self) -> Vec<f64> {
        let cost = |to: &Period, from: &Period| {
            (CHANGE_COST_PER_OCTAVE * (to.bpm / from.bpm).log2().abs()).min(CHANGE_COST_MAX)
        };
        self.periods.iter().flat_map(|to| self.periods.iter().map(move |from| cost(to, from))).collect()
    }
}

fn periods(frames_per_second: f64) -> Vec<Period> {
    let shortest = (60.0 * frames_per_second / FASTEST_BPM).floor().max(1.0) as usize;
    let longest = (60.0 * frames_per_second / SLOWEST_BPM).ceil() as usize;
    // Within one frame of the related period.
    let around = |frames: usize| {
        let end = (frames + 2).saturating_sub(shortest).min(longest + 1 - shortest);
        frames.saturating_sub(shortest + 1).min(end)..end
    };
    let related = |frames: usize| {
        let inside =
            |frames: usize| if (shortest..=longest).contains(&frames) { around(frames) } else { 0..0 };
        [inside(frames.div_ceil(2)), inside(2 * frames)]
    };
    (shortest..=longest)
        .map(|frames| {
            let bpm = 60.0 * frames_per_second / frames as f64;
            Period { frames, bpm, preference: preference(bpm), related: related(frames) }
        })
        .collect()
}

fn best_origin(scores: &[f64], costs: &[f64]) -> (f64, usize) {
    let mut best = (f64::NEG_INFINITY, 0);
    for (origin, (score, cost)) in scores.iter().zip(costs).enumerate() {
        if score - cost > best.0 {
            best = (score - cost, origin);
        }
    }
    best
}

/// Listeners' preference for tapping at `bpm`; 1 at the preferred tempo.
pub(super) fn preference(bpm: f64) -> f64 {
    let octaves = (bpm / PREFERRED_BPM).log2() / PREFERENCE_OCTAVES;
    (-0.5 * octaves * octaves).exp()
}
