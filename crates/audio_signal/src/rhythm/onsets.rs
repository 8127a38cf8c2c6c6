//! Onsets: SuperFlux (Böck & Widmer, "Maximum filter vibrato suppression for onset detection",
//! DAFx 2013) with its peak picking.

use media_time::MediaTime;

use super::spectrum::FRAMES_PER_SECOND;

/// Frames between the two spectra that are compared.
const LAG: usize = 2;
/// A peak is the largest value within this many frames (30 ms) on both sides.
const PEAK_REACH: usize = FRAMES_PER_SECOND as usize * 30 / 1_000;
/// The local mean reaches 100 ms back and 70 ms ahead.
const MEAN_BACK: usize = FRAMES_PER_SECOND as usize / 10;
const MEAN_AHEAD: usize = FRAMES_PER_SECOND as usize * 70 / 1_000;
/// A peak rises above the local mean by this much (log10 units, mean over bands).
const THRESHOLD: f32 = 0.04;
/// Two onsets are further apart than this many frames (30 ms).
const MIN_DISTANCE: usize = PEAK_REACH;

/// The beginning of a sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Onset {
    /// When it begins.
    pub time: MediaTime,
    /// Mean rise over the spectrum's bands, decades of magnitude (0 upwards; a clear drum hit is 0.3 to 1).
    pub strength: f32,
}

/// The SuperFlux onset function, one value per frame.
#[derive(Default)]
pub(super) struct OnsetFunction {
    /// The last [`LAG`] frames after the maximum filter, oldest first.
    history: Vec<Vec<f32>>,
    values: Vec<f32>,
}

impl OnsetFunction {
    /// Adds the frame with these band `levels`.
    pub(super) fn push(&mut self, levels: &[f32]) {
        if self.history.is_empty() {
            self.history = vec![vec![0.0; levels.len()]; LAG];
        }
        let rise: f32 = levels.iter().zip(&self.history[0]).map(|(now, then)| (now - then).max(0.0)).sum();
        self.values.push(rise / levels.len() as f32);
        self.history.rotate_left(1);
        maximum_filter(levels, &mut self.history[LAG - 1]);
    }

    /// The onsets of the whole stream, whose frames are `hop` samples apart at `rate` Hz.
    pub(super) fn pick(&self, hop: usize, rate: u32) -> Vec<Onset> {
        let values = &self.values;
        let mut onsets: Vec<Onset> = Vec::new();
        let mut last = None;
        for (frame, &value) in values.iter().enumerate() {
            if last.is_some_and(|last| frame - last <= MIN_DISTANCE) {
                continue;
            }
            let around = &values[frame.saturating_sub(PEAK_REACH)..values.len().min(frame + PEAK_REACH + 1)];
            let local = &values[frame.saturating_sub(MEAN_BACK)..values.len().min(frame + MEAN_AHEAD + 1)];
            // Frames beyond the ends count as silence.
            let mean = local.iter().sum::<f32>() / (MEAN_BACK + MEAN_AHEAD + 1) as f32;
            if value >= mean + THRESHOLD && around.iter().all(|other| *other <= value) {
                last = Some(frame);
                let sample = ((frame as f64 + peak_offset(values, frame)) * hop as f64).round() as i64;
                onsets.push(Onset { time: MediaTime::from_samples(sample.max(0), rate), strength: value });
            }
        }
        onsets
    }
}

/// Each band's largest level among itself and its two neighbours.
fn maximum_filter(levels: &[f32], out: &mut [f32]) {
    for (band, slot) in out.iter_mut().enumerate() {
        let neighbours = &levels[band.saturating_sub(1)..levels.len().min(band + 2)];
        *slot = neighbours.iter().copied().fold(0.0, f32::max);
    }
}

/// Where the parabola through a peak and its neighbours has its top, frames from the peak (±0.5).
pub(super) fn peak_offset(values: &[f32], peak: usize) -> f64 {
    if peak == 0 || peak + 1 >= values.len() {
        return 0.0;
    }
    let (left, top, right) =
        (f64::from(values[peak - 1]), f64::from(values[peak]), f64::from(values[peak + 1]));
    let bend = left - 2.0 * top + right;
    if bend >= 0.0 { 0.0 } else { (0.5 * (left - right) / bend).clamp(-0.5, 0.5) }
}
