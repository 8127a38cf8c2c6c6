//! Tempo over time: a bank of resonators that tolerate small timing deviations, and the best path
//! through their responses.

use super::pulse::Pulse;

/// The tempi looked for, beats per minute.
const SLOWEST_BPM: f64 = 40.0;
const FASTEST_BPM: f64 = 230.0;
/// Centre (BPM) and deviation (octaves) of the log-normal tempo preference (van Noorden & Moelants,
/// "Resonance in the perception of musical pulse", JNMR 1999).
const PREFERRED_BPM: f64 = 115.0;
const PREFERENCE_OCTAVES: f64 = 1.0;
/// A resonator forgets half in this time, seconds.
const HALF_LIFE_SECONDS: f64 = 5.0;
/// Cost of one beat's period deviating from the previous one: times the squared logarithm of their ratio.
const DEVIATION_COST: f32 = 300.0;
/// Periods compared with each resonator's own: this many to both sides.
const NEIGHBOURS: usize = 2;
/// Seconds between two points of the tempo path.
const STEP_SECONDS: f64 = 0.5;
/// Cost of a tempo change between two points: per octave, and at most.
const CHANGE_COST_PER_OCTAVE: f64 = 40.0;
const CHANGE_COST_MAX: f64 = 30.0;

/// Responses of the resonators: how significant a beat of each period is around each point in time.
pub(super) struct Tempogram {
    /// Periods in frames, rising.
    periods: Vec<usize>,
    /// Frames between two points.
    step: usize,
    frames_per_second: f64,
    /// `responses[point * periods.len() + period]`, in standard deviations of what chance would give.
    responses: Vec<f32>,
}

/// The tempo at each point of a recording.
pub(super) struct TempoPath {
    /// Frames between two points.
    pub(super) step: usize,
    /// Beat period in frames, per point.
    pub(super) periods: Vec<usize>,
    /// Significance of the beat, per point (standard deviations).
    pub(super) significance: Vec<f32>,
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

    fn point(&self, frame: usize) -> usize {
        ((frame + self.step / 2) / self.step).min(self.periods.len() - 1)
    }
}

impl Tempogram {
    /// The responses to `pulse`, whose mean is about zero and whose deviation about one.
    pub(super) fn new(pulse: &Pulse) -> Self {
        let fps = pulse.frames_per_second;
        let shortest = (60.0 * fps / FASTEST_BPM).floor().max(1.0) as usize;
        let longest = (60.0 * fps / SLOWEST_BPM).ceil() as usize;
        let periods: Vec<usize> = (shortest..=longest).collect();
        let step = ((STEP_SECONDS * fps).round() as usize).max(1);
        let forget = 0.5f64.powf(1.0 / (HALF_LIFE_SECONDS * fps));

        let bank = Bank { periods: &periods, forget };
        let mut responses = bank.respond(pulse.values.iter().copied(), step, 0);
        // From the end backwards, sampled at the same frames.
        let offset = pulse.values.len().saturating_sub(1) % step;
        let backward = bank.respond(pulse.values.iter().rev().copied(), step, offset);
        let points = responses.len() / periods.len();
        for point in 0..points {
            let mirrored = (points - 1 - point) * periods.len();
            let own = &mut responses[point * periods.len()..][..periods.len()];
            for (value, back) in own.iter_mut().zip(&backward[mirrored..]) {
                *value = (*value + back) * std::f32::consts::FRAC_1_SQRT_2;
            }
        }
        Self { periods, step, frames_per_second: fps, responses }
    }

    /// The tempo path with the highest sum of responses, weighted by the tempo preference, less the cost of
    /// its changes (Viterbi).
    pub(super) fn path(&self) -> TempoPath {
        let count = self.periods.len();
        let preference: Vec<f64> = self.periods.iter().map(|period| preference(self.bpm(*period))).collect();
        let mut best = vec![0.0f64; count];
        let mut from: Vec<u16> = Vec::with_capacity(self.responses.len());
        for responses in self.responses.chunks_exact(count) {
            let previous = best.clone();
            for period in 0..count {
                let (cost, origin) = self.best_origin(&previous, period);
                from.push(origin as u16);
                best[period] = cost + f64::from(responses[period]) * preference[period];
            }
        }
        let points = self.responses.len() / count;
        let mut index = (0..count).max_by(|a, b| best[*a].total_cmp(&best[*b])).unwrap_or(0);
        let mut path = vec![0; points];
        for point in (0..points).rev() {
            path[point] = index;
            index = usize::from(from[point * count + index]);
        }
        let significance =
            path.iter().enumerate().map(|(point, i)| self.responses[point * count + i]).collect();
        TempoPath { step: self.step, periods: path.iter().map(|i| self.periods[*i]).collect(), significance }
    }

    fn best_origin(&self, previous: &[f64], period: usize) -> (f64, usize) {
        let mut best = (f64::NEG_INFINITY, 0);
        for (origin, score) in previous.iter().enumerate() {
            let octaves = (self.periods[origin] as f64 / self.periods[period] as f64).log2().abs();
            let score = score - (CHANGE_COST_PER_OCTAVE * octaves).min(CHANGE_COST_MAX);
            if score > best.0 {
                best = (score, origin);
            }
        }
        best
    }

    /// Mean weighted response at `bpm` (the best within 4 %) over the points where `counts` holds; `None`
    /// outside the tempi looked for.
    pub(super) fn mean_response(&self, bpm: f64, counts: impl Fn(usize) -> bool) -> Option<f64> {
        let count = self.periods.len();
        let points: Vec<usize> = (0..self.responses.len() / count).filter(|point| counts(*point)).collect();
        let near = (0..count).filter(|i| (self.bpm(self.periods[*i]) / bpm - 1.0).abs() <= 0.04);
        let mean = |i: usize| {
            let sum: f64 = points.iter().map(|point| f64::from(self.responses[point * count + i])).sum();
            sum / points.len().max(1) as f64 * preference(self.bpm(self.periods[i]))
        };
        near.map(mean).max_by(f64::total_cmp)
    }

    fn bpm(&self, period: usize) -> f64 {
        60.0 * self.frames_per_second / period as f64
    }
}

/// How likely listeners are to tap at `bpm`, 1 at the preferred tempo.
pub(super) fn preference(bpm: f64) -> f64 {
    let octaves = (bpm / PREFERRED_BPM).log2() / PREFERENCE_OCTAVES;
    (-0.5 * octaves * octaves).exp()
}

/// One resonator per period. Each keeps, per frame, the best sum of forgotten pulse values over beats
/// about one period apart that end in this frame.
struct Bank<'a> {
    periods: &'a [usize],
    /// Factor per frame.
    forget: f64,
}

impl Bank<'_> {
    /// The responses at frames `offset`, `offset + step`, …: per period the best beat within the last period.
    fn respond(&self, pulse: impl Iterator<Item = f32>, step: usize, offset: usize) -> Vec<f32> {
        let count = self.periods.len();
        let kept = self.periods[count - 1] + 1;
        let mut ring = vec![0.0f32; kept * count];
        let decay: Vec<f32> = self.periods.iter().map(|p| self.forget.powi(*p as i32) as f32).collect();
        // The sum of independent values of unit variance so weighted has variance 1/(1 - decay²).
        let scale: Vec<f32> = decay.iter().map(|decay| (1.0 - decay * decay).sqrt()).collect();
        let costs = self.neighbour_costs();
        let mut out = Vec::new();
        for (frame, value) in pulse.enumerate() {
            let row = frame % kept * count;
            for (index, period) in self.periods.iter().enumerate() {
                let from = (frame + kept - period) % kept * count;
                let (first, last) = (index.saturating_sub(NEIGHBOURS), (index + NEIGHBOURS).min(count - 1));
                let best = ring[from + first..=from + last]
                    .iter()
                    .zip(&costs[index][first + NEIGHBOURS - index..])
                    .map(|(score, cost)| score - cost)
                    .fold(0.0, f32::max);
                ring[row + index] = value + decay[index] * best;
            }
            if frame >= offset && (frame - offset).is_multiple_of(step) {
                out.extend(self.periods.iter().enumerate().map(|(index, period)| {
                    let beat = |back: usize| ring[(frame + kept - back) % kept * count + index];
                    scale[index] * (0..(*period).min(frame + 1)).map(beat).fold(0.0, f32::max)
                }));
            }
        }
        out
    }

    /// Per period, the cost of coming from each of its neighbours.
    fn neighbour_costs(&self) -> Vec<[f32; 2 * NEIGHBOURS + 1]> {
        let cost = |period: usize, offset: usize| {
            let ratio = (period + offset) as f32 - NEIGHBOURS as f32;
            let log = (ratio.max(1.0) / period as f32).ln();
            DEVIATION_COST * log * log
        };
        self.periods.iter().map(|period| std::array::from_fn(|offset| cost(*period, offset))).collect()
    }
}
