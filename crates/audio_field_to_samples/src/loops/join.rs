//! Continuity from the end of a window to its start.

use media_time::{MediaTime, Window};

use crate::bands::{BAND_RATE, BANDS, BandLevels};

/// Bands this far below the loudest one compared are masked by it.
const RANGE_DB: f32 = 50.0;
/// Mean spectral difference in dB at which the continuity falls to 1/e.
const SPECTRAL_DB: f32 = 12.0;
/// Mean difference of the total level in dB at which the continuity falls to 1/e.
const ENERGY_DB: f32 = 6.0;
/// Frames over which levels are averaged, to reduce the variance of single frames of 10 ms of noise.
const SMOOTHING: usize = 3;

/// Spectral and energy continuity of `window` when it is repeated, 0 to 1: the recording around its end is compared
/// with the recording around its start, one `beat` to either side, as far as it extends. For a recording that is just
/// the window, its last frames are compared with its first.
pub(super) fn continuity(bands: &BandLevels, window: Window, beat: MediaTime) -> f64 {
    let frame = |time: MediaTime| usize::try_from(time.to_samples(BAND_RATE)).unwrap_or(0);
    let (start, end, reach) = (frame(window.start()), frame(window.end()), frame(beat).max(SMOOTHING));
    let (before, after) = (reach.min(start), reach.min(bands.len().saturating_sub(end + SMOOTHING)));
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    // Less than half a beat is not significant.
    if 2 * after >= reach {
        pairs.extend((0..after).step_by(SMOOTHING).map(|step| (start + step, end + step)));
    }
    if 2 * before >= reach {
        pairs.extend((1..=before).step_by(SMOOTHING).map(|step| (start - step, end - step)));
    }
    if pairs.is_empty() {
        pairs.push((start, end.saturating_sub(SMOOTHING)));
    }
    compare(bands, &pairs)
}

fn compare(bands: &BandLevels, pairs: &[(usize, usize)]) -> f64 {
    let levels: Vec<_> = pairs.iter().map(|(a, b)| (smoothed(bands, *a), smoothed(bands, *b))).collect();
    let loudest = levels.iter().flat_map(|(a, b)| a.iter().chain(b)).copied().fold(f32::MIN, f32::max);
    let floor = loudest - RANGE_DB;
    let (mut spectral, mut energy) = (0.0, 0.0);
    for (a, b) in &levels {
        let difference = |(a, b): (&f32, &f32)| (a.max(floor) - b.max(floor)).abs();
        spectral += a.iter().zip(b).map(difference).sum::<f32>() / BANDS as f32;
        energy += (total(a).max(floor) - total(b).max(floor)).abs();
    }
    let mean = |sum: f32| sum / levels.len() as f32;
    f64::from((-mean(spectral) / SPECTRAL_DB).exp() * (-mean(energy) / ENERGY_DB).exp()).sqrt()
}

/// Mean power of [`SMOOTHING`] frames, in dB.
fn smoothed(bands: &BandLevels, first: usize) -> [f32; BANDS] {
    let mut sums = [0.0; BANDS];
    let frames = (first..first + SMOOTHING).filter_map(|index| bands.frame(index));
    for frame in frames {
        sums.iter_mut().zip(frame).for_each(|(sum, level)| *sum += power(level));
    }
    sums.map(|sum| decibels(sum / SMOOTHING as f32))
}

fn total(levels: &[f32; BANDS]) -> f32 {
    decibels(levels.iter().copied().map(power).sum())
}

fn power(level: f32) -> f32 {
    10f32.powf(level / 10.0)
}

fn decibels(power: f32) -> f32 {
    10.0 * power.max(1e-12).log10()
}
