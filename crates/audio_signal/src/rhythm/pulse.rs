//! The pulse: the strength of onsets in each frame, in units of the local standard deviation.

use std::collections::VecDeque;

use aubio_rs::vec::CVec;
use aubio_rs::{OnsetMode, SpecDesc};

/// Frames of the onset function per frame of the pulse.
pub(super) const PULSE_STRIDE: usize = 2;
/// Borders between the frequency ranges, Hz.
const RANGE_EDGES_HZ: [f64; RANGES - 1] = [200.0, 2_000.0, 7_000.0];
/// Frequency ranges: kick and bass, chords and the body of the snare, its noise, hi-hats.
pub(super) const RANGES: usize = 4;
/// Local mean and deviation cover this many seconds on both sides.
const NORMALISE_SECONDS: f64 = 4.0;
/// Added to the deviation, as a fraction of its mean, so that near-silence is not amplified.
const DEVIATION_FLOOR: f64 = 0.3;
/// Minimum deviation above silence, in decades of magnitude per band.
const SILENCE: f64 = 1e-3;
/// Minimum deviation of the onset function, in decades of magnitude.
const MIN_RISE: f64 = 1.0 / 128.0;
/// Maximum value of a single event, in deviations: a single bang in silence is not a beat.
const MAX_STRENGTH: f64 = 5.0;
/// Minimum pulse, in standard deviations, of the recording's first onset.
const FIRST_ONSET_PULSE: f32 = 1.0;
/// Half of a normalised Gaussian of one frame's deviation, centre first.
const SMOOTHING: [f64; 4] = [0.399_050_28, 0.242_036_23, 0.054_005_58, 0.004_433_05];

/// aubio's spectral flux over the logarithmic bands of each frequency range.
pub(super) struct PulseFunction {
    ranges: [Range; RANGES],
}

struct Range {
    bands: std::ops::Range<usize>,
    /// `None` if the stream's sample rate leaves the range without bands.
    flux: Option<SpecDesc>,
    values: Vec<f32>,
}

// SAFETY: an aubio spectral descriptor is a plain heap object reached through this one owner; aubio keeps
// no thread-local state for it, so moving it to another thread is sound.
#[expect(unsafe_code, reason = "aubio-rs wraps a raw pointer and leaves `Send` to its users")]
unsafe impl Send for Range {}

impl PulseFunction {
    /// Creates the function for frames with bands at `centres_hz` (ascending).
    pub(super) fn new(centres_hz: impl Iterator<Item = f64>) -> Self {
        let mut counts = [0; RANGES];
        for hz in centres_hz {
            counts[RANGE_EDGES_HZ.iter().filter(|edge| hz >= **edge).count()] += 1;
        }
        let mut first = 0;
        let ranges = counts.map(|count| {
            let bands = first..first + count;
            first += count;
            Range::new(bands)
        });
        Self { ranges }
    }

    /// Adds the frame with these band `levels`.
    pub(super) fn push(&mut self, levels: &[f32]) {
        for range in &mut self.ranges {
            range.push(&levels[range.bands.clone()]);
        }
    }

    /// The standardised values of each range, low to high, one per frame.
    pub(super) fn finish(self, frames_per_second: f64) -> [Vec<f32>; RANGES] {
        self.ranges.map(|range| smoothed_and_standardised(&range.values, frames_per_second))
    }
}

impl Range {
    fn new(bands: std::ops::Range<usize>) -> Self {
        // aubio allocates size/2 + 1 bins, and rejects fewer than two.
        let size = 2 * bands.len().saturating_sub(1);
        Self {
            flux: SpecDesc::new(OnsetMode::SpecFlux, size).ok().filter(|_| size > 0),
            bands,
            values: Vec::new(),
        }
    }

    fn push(&mut self, levels: &[f32]) {
        let flux = self.flux.as_mut().map_or(0.0, |flux| {
            // Spectral flux uses magnitudes only; the phases are passed because the type requires them.
            CVec::from_parts(levels, levels).and_then(|frame| flux.do_result(frame)).unwrap_or(0.0)
        });
        self.values.push(flux / levels.len().max(1) as f32);
    }
}

/// One value per frame with zero mean and unit deviation, large (up to [`MAX_STRENGTH`]) at onsets.
pub(super) struct Pulse {
    pub(super) values: Vec<f32>,
    pub(super) frames_per_second: f64,
}

impl Pulse {
    /// The weighted sum of standardised `ranges`, scaled to unit deviation.
    pub(super) fn sum(ranges: &[Vec<f32>; RANGES], weights: [f32; RANGES], frames_per_second: f64) -> Self {
        let frames = ranges[0].len();
        let sum =
            |frame: usize| ranges.iter().zip(weights).map(|(range, weight)| weight * range[frame]).sum();
        let mut values: Vec<f32> = (0..frames).map(sum).collect();
        let squares: f64 = values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum();
        let deviation = (squares / frames.max(1) as f64).sqrt();
        if deviation > f64::EPSILON {
            values
                .iter_mut()
                .for_each(|value| *value = (f64::from(*value) / deviation).min(MAX_STRENGTH) as f32);
        }
        Self { values, frames_per_second }
    }

    /// The frame of the first onset.
    pub(super) fn first_onset(&self) -> Option<usize> {
        self.values.iter().position(|value| *value > FIRST_ONSET_PULSE)
    }

    /// Gives `frame`, a known beat, twice the maximum value of an event.
    pub(super) fn accent(&mut self, frame: usize) {
        self.values[frame] = 2.0 * MAX_STRENGTH as f32;
    }
}

/// Smooths `values` over about ±1 frame, subtracts the local mean and divides by the local deviation: zero mean and
/// unit deviation wherever there is audio, near zero in silence.
fn smoothed_and_standardised(values: &[f32], frames_per_second: f64) -> Vec<f32> {
    let smooth = smooth(values);
    let reach = (NORMALISE_SECONDS * frames_per_second).round() as usize;
    let total: f64 = local_statistics(&smooth, reach).map(|(_, deviation)| deviation).sum();
    let floor = DEVIATION_FLOOR * total / smooth.len().max(1) as f64 + SILENCE;
    let scaled = |(value, (mean, deviation)): (&f32, (f64, f64))| {
        ((f64::from(*value) - mean) / (deviation + floor)) as f32
    };
    smooth.iter().zip(local_statistics(&smooth, reach)).map(scaled).collect()
}

/// Mean and deviation of the values at most `reach` frames away, per frame.
fn local_statistics(values: &[f32], reach: usize) -> impl Iterator<Item = (f64, f64)> {
    let mut window = VecDeque::new();
    let (mut sum, mut squares) = (0.0f64, 0.0f64);
    let mut coming = values.iter().map(|value| f64::from(*value));
    let mut enter = move |window: &mut VecDeque<f64>| {
        coming
            .next()
            .inspect(|value| window.push_back(*value))
            .map_or((0.0, 0.0), |value| (value, value * value))
    };
    for _ in 0..reach.min(values.len()) {
        let (value, square) = enter(&mut window);
        sum += value;
        squares += square;
    }
    (0..values.len()).map(move |frame| {
        let (value, square) = enter(&mut window);
        sum += value;
        squares += square;
        if frame > reach
            && let Some(left) = window.pop_front()
        {
            sum -= left;
            squares -= left * left;
        }
        let count = window.len() as f64;
        let mean = sum / count;
        (mean, (squares / count - mean * mean).max(0.0).sqrt())
    })
}

/// Subtracts the local mean and divides by the local deviation, without smoothing; at most [`MAX_STRENGTH`].
pub(super) fn standardised(values: &[f32], frames_per_second: f64) -> Vec<f32> {
    let reach = (NORMALISE_SECONDS * frames_per_second).round() as usize;
    let total: f64 = local_statistics(values, reach).map(|(_, deviation)| deviation).sum();
    let floor = DEVIATION_FLOOR * total / values.len().max(1) as f64 + MIN_RISE;
    let scaled = |(value, (mean, deviation)): (&f32, (f64, f64))| {
        ((f64::from(*value) - mean) / (deviation + floor)).min(MAX_STRENGTH) as f32
    };
    values.iter().zip(local_statistics(values, reach)).map(scaled).collect()
}

fn smooth(values: &[f32]) -> Vec<f32> {
    let at = |frame: usize, offset: isize| {
        frame
            .checked_add_signed(offset)
            .and_then(|frame| values.get(frame))
            .map_or(0.0, |value| f64::from(*value))
    };
    (0..values.len())
        .map(|frame| {
            let sides = (1..SMOOTHING.len())
                .map(|reach| SMOOTHING[reach] * (at(frame, reach as isize) + at(frame, -(reach as isize))))
                .sum::<f64>();
            (SMOOTHING[0] * at(frame, 0) + sides) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_statistics_are_those_of_the_frames_within_reach() {
        let values: Vec<f32> = (0..40u16).map(|i| f32::from(i * 37 % 23)).collect();
        for reach in [0, 1, 7, 39, 100] {
            for (frame, (mean, deviation)) in local_statistics(&values, reach).enumerate() {
                let around = &values[frame.saturating_sub(reach)..values.len().min(frame + reach + 1)];
                let count = around.len() as f64;
                let expected = around.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
                let squares = around.iter().map(|value| (f64::from(*value) - expected).powi(2)).sum::<f64>();
                assert!(
                    (mean - expected).abs() < 1e-9 && (deviation - (squares / count).sqrt()).abs() < 1e-6
                );
            }
        }
    }
}
