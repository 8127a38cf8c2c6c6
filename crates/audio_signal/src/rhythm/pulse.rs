//! The pulse: how strongly something begins in each frame, in units of its local deviation.

use aubio_rs::vec::CVec;
use aubio_rs::{OnsetMode, SpecDesc};

/// Upper edges of the low and middle range, Hz.
const RANGE_EDGES_HZ: [f64; 2] = [200.0, 2_000.0];
/// Number of frequency ranges.
const RANGES: usize = RANGE_EDGES_HZ.len() + 1;
/// Local mean and deviation are taken this many seconds to both sides.
const NORMALISE_SECONDS: f64 = 4.0;
/// Added to the deviation, as a share of its mean, so that near-silence is not blown up.
const DEVIATION_FLOOR: f64 = 0.3;
/// Smallest deviation that counts as sound, decades of magnitude per band.
const SILENCE: f64 = 1e-3;
/// A single event counts no more than this many deviations: one bang in silence is no beat.
const LARGEST: f64 = 5.0;
/// Half of a normalised Gaussian of one frame's deviation, centre first.
const SMOOTHING: [f64; 4] = [0.399_050_28, 0.242_036_23, 0.054_005_58, 0.004_433_05];

/// aubio's spectral flux over the logarithmic bands of three frequency ranges (kick, snare, hi-hat).
pub(super) struct PulseFunction {
    ranges: Vec<Range>,
}

struct Range {
    bands: std::ops::Range<usize>,
    flux: SpecDesc,
    values: Vec<f32>,
}

// SAFETY: an aubio spectral descriptor is a plain heap object reached through this one owner; aubio keeps
// no thread-local state for it, so moving it to another thread is sound.
#[expect(unsafe_code, reason = "aubio-rs wraps a raw pointer and leaves `Send` to its users")]
unsafe impl Send for Range {}

impl PulseFunction {
    /// For frames with bands at `centres_hz` (rising).
    pub(super) fn new(centres_hz: impl Iterator<Item = f64>) -> Self {
        let mut counts = [0; RANGES];
        for hz in centres_hz {
            counts[RANGE_EDGES_HZ.iter().filter(|edge| hz >= **edge).count()] += 1;
        }
        let mut first = 0;
        let ranges = counts
            .into_iter()
            .filter_map(|count| {
                let bands = first..first + count;
                first += count;
                (count >= 2).then(|| Range::new(bands))
            })
            .collect();
        Self { ranges }
    }

    /// Adds the frame with these band `levels`.
    pub(super) fn push(&mut self, levels: &[f32]) {
        for range in &mut self.ranges {
            range.push(&levels[range.bands.clone()]);
        }
    }

    /// The values of each range, low to high, one per frame.
    pub(super) fn ranges(&self) -> impl Iterator<Item = &[f32]> {
        self.ranges.iter().map(|range| range.values.as_slice())
    }
}

impl Range {
    fn new(bands: std::ops::Range<usize>) -> Self {
        // aubio sizes its memory as size/2 + 1 bins.
        #[expect(clippy::expect_used, reason = "aubio refuses an unknown method or no memory, nothing else")]
        let flux = SpecDesc::new(OnsetMode::SpecFlux, 2 * (bands.len() - 1)).expect("aubio knows `specflux`");
        Self { bands, flux, values: Vec::new() }
    }

    fn push(&mut self, levels: &[f32]) {
        // Spectral flux reads magnitudes only; the phases are there to satisfy the type.
        let flux =
            CVec::from_parts(levels, levels).and_then(|frame| self.flux.do_result(frame)).unwrap_or(0.0);
        self.values.push(flux / levels.len() as f32);
    }
}

/// `values` smoothed over about ±1 frame, less the local mean, over the local deviation: about zero
/// mean and unit deviation wherever there is sound, near zero in silence.
pub(super) fn standardise(values: &[f32], frames_per_second: f64) -> Vec<f32> {
    let smooth = smooth(values);
    let reach = (NORMALISE_SECONDS * frames_per_second).round() as usize;
    let (mut sum, mut squares) = (Vec::with_capacity(smooth.len() + 1), Vec::with_capacity(smooth.len() + 1));
    let (mut total, mut total_squares) = (0.0f64, 0.0f64);
    sum.push(0.0);
    squares.push(0.0);
    for value in &smooth {
        total += f64::from(*value);
        total_squares += f64::from(*value) * f64::from(*value);
        sum.push(total);
        squares.push(total_squares);
    }
    let local = |frame: usize| {
        let (first, end) = (frame.saturating_sub(reach), smooth.len().min(frame + reach + 1));
        let count = (end - first) as f64;
        let mean = (sum[end] - sum[first]) / count;
        let variance = (squares[end] - squares[first]) / count - mean * mean;
        (mean, variance.max(0.0).sqrt())
    };
    let mean_deviation =
        (0..smooth.len()).map(|frame| local(frame).1).sum::<f64>() / smooth.len().max(1) as f64;
    let floor = DEVIATION_FLOOR * mean_deviation + SILENCE;
    let scaled = |(frame, value): (usize, &f32)| {
        let (mean, deviation) = local(frame);
        ((f64::from(*value) - mean) / (deviation + floor)) as f32
    };
    smooth.iter().enumerate().map(scaled).collect()
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

/// One value per frame, about zero mean and unit deviation, large (up to [`LARGEST`]) where something begins.
pub(super) struct Pulse {
    pub(super) values: Vec<f32>,
    pub(super) frames_per_second: f64,
}

impl Pulse {
    /// The sum of standardised `ranges`, itself scaled to unit deviation.
    pub(super) fn sum(ranges: &[Vec<f32>], frames_per_second: f64) -> Self {
        let frames = ranges.first().map_or(0, Vec::len);
        let mut values: Vec<f32> =
            (0..frames).map(|frame| ranges.iter().map(|range| range[frame]).sum()).collect();
        let squares: f64 = values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum();
        let deviation = (squares / frames.max(1) as f64).sqrt();
        if deviation > f64::EPSILON {
            values.iter_mut().for_each(|value| *value = (f64::from(*value) / deviation).min(LARGEST) as f32);
        }
        Self { values, frames_per_second }
    }
}
