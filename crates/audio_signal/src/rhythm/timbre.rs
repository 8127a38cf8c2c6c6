//! Changes of timbre: chords and instruments change where bars start.

use std::ops::Range;

/// Number of spectrum frames averaged in one cell (50 ms).
const FRAMES_PER_CELL: usize = 10;
/// Frequency range of chords: kick and bass are below, mostly cymbals above.
const LOWEST_HZ: f64 = 200.0;
const HIGHEST_HZ: f64 = 5_000.0;
/// Steps of stored levels per decade of magnitude: 0.3 dB each.
const STEPS_PER_DECADE: f32 = 64.0;
/// Added to the norm of each spectrum (decades), so that silence has no shape.
const SILENCE: f32 = 1e-3;

/// Levels of the middle of the spectrum over time; 20 cells per second, one byte per band.
pub(super) struct Timbre {
    bands: Range<usize>,
    /// Levels by cell, then by band.
    cells: Vec<u8>,
    /// Sums of the levels of the frames in the next cell.
    sums: Vec<f32>,
    frames: usize,
}

impl Timbre {
    /// For frames with bands at `centres_hz` (ascending).
    pub(super) fn new(centres_hz: impl Iterator<Item = f64>) -> Self {
        let centres: Vec<f64> = centres_hz.collect();
        let bands =
            centres.partition_point(|hz| *hz < LOWEST_HZ)..centres.partition_point(|hz| *hz < HIGHEST_HZ);
        Self { sums: vec![0.0; bands.len()], bands, cells: Vec::new(), frames: 0 }
    }

    /// Adds the frame with these band `levels`.
    pub(super) fn push(&mut self, levels: &[f32]) {
        for (sum, level) in self.sums.iter_mut().zip(&levels[self.bands.clone()]) {
            *sum += level;
        }
        self.frames += 1;
        if self.frames.is_multiple_of(FRAMES_PER_CELL) {
            let scale = STEPS_PER_DECADE / FRAMES_PER_CELL as f32;
            // `as` saturates; four decades are more than the range of levels.
            self.cells.extend(self.sums.iter().map(|sum| (scale * sum).round() as u8));
            self.sums.fill(0.0);
        }
    }

    /// Difference of the mean spectra of `span` frames before and after frame `at`: 0 for the same shape at any level,
    /// 1 for unrelated shapes, 2 for opposite ones.
    pub(super) fn change(&self, at: f64, span: f64) -> f32 {
        let (before, after) = (self.shape(at - span, at), self.shape(at, at + span));
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let length = |shape: &[f32]| product(shape, shape).sqrt() + SILENCE;
        1.0 - product(&before, &after) / (length(&before) * length(&after))
    }

    /// The mean spectrum between two frames, minus its mean over the bands.
    fn shape(&self, from: f64, to: f64) -> Vec<f32> {
        let (from, to) = ((from / FRAMES_PER_CELL as f64).max(0.0), to / FRAMES_PER_CELL as f64);
        let width = self.bands.len();
        let mut shape = vec![0.0f32; width];
        let last = (to.max(0.0).ceil() as usize).min(self.cells.len().checked_div(width).unwrap_or(0));
        for cell in from as usize..last {
            let share = ((cell as f64 + 1.0).min(to) - (cell as f64).max(from)) as f32;
            for (sum, level) in shape.iter_mut().zip(&self.cells[cell * width..][..width]) {
                *sum += share * f32::from(*level);
            }
        }
        let scale = ((to - from).max(1.0) as f32 * STEPS_PER_DECADE).recip();
        let mean = shape.iter().sum::<f32>() / width.max(1) as f32;
        shape.iter_mut().for_each(|level| *level = scale * (*level - mean));
        shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One second of each of the `chords`, given as levels of four bands.
    fn timbre(chords: &[[f32; 4]]) -> Timbre {
        let mut timbre = Timbre::new([300.0, 600.0, 1_200.0, 2_400.0].into_iter());
        chords.iter().for_each(|chord| (0..200).for_each(|_| timbre.push(chord)));
        timbre
    }

    #[test]
    fn timbre_change_detects_chords_and_ignores_the_level() {
        let timbre = timbre(&[[2.0, 1.0, 1.0, 0.0], [3.0, 2.0, 2.0, 1.0], [0.0, 1.0, 1.0, 2.0]]);
        assert!(timbre.change(200.0, 100.0).abs() < 0.01);
        assert!((timbre.change(400.0, 100.0) - 2.0).abs() < 0.01);
        assert!(timbre.change(300.0, 50.0).abs() < 0.01, "within a chord");
    }

    #[test]
    fn beyond_the_ends_is_silence() {
        let timbre = timbre(&[[2.0, 1.0, 1.0, 0.0]]);
        for (at, span) in [(0.0, 100.0), (-50.0, 20.0), (200.0, 50.0), (900.0, 10.0), (100.0, 0.0)] {
            assert_eq!(timbre.change(at, span), 1.0, "{at}±{span}");
        }
    }
}
