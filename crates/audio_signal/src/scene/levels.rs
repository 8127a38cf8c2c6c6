/// Level cells per second: 8 ms each.
pub(crate) const CELLS_PER_SECOND: u32 = 125;
/// The level of digital silence, in dBFS.
pub(crate) const FLOOR_DBFS: f32 = -120.0;
/// Corner of the high pass that keeps a DC offset from counting as sound, in Hz.
const HIGH_PASS_HZ: f64 = 20.0;

/// RMS level of a stream of any rate and channel count in cells of 8 ms, in dBFS (0 dBFS: a full-scale square wave).
///
/// The powers of all channels are averaged: a mono mix would lose what is out of phase.
pub(crate) struct LevelMeter {
    rate: u64,
    high_pass: Vec<HighPass>,
    coefficient: f64,
    /// Power summed over the cell under way, and the samples (of one channel) it holds.
    power: f64,
    count: u64,
    position: u64,
    cells: Vec<f32>,
}

#[derive(Clone, Copy, Default)]
struct HighPass {
    input: f64,
    output: f64,
}

impl HighPass {
    /// The power of the output for the input `sample`.
    #[inline(always)]
    fn step(&mut self, sample: f32, coefficient: f64) -> f64 {
        let input = f64::from(sample);
        self.output = input - self.input + coefficient * self.output;
        self.input = input;
        self.output * self.output
    }
}

impl LevelMeter {
    pub(crate) fn new(rate: u32, channels: usize) -> Self {
        Self {
            rate: u64::from(rate.max(1)),
            high_pass: vec![HighPass::default(); channels.max(1)],
            coefficient: (-std::f64::consts::TAU * HIGH_PASS_HZ / f64::from(rate.max(1))).exp(),
            power: 0.0,
            count: 0,
            position: 0,
            cells: Vec::new(),
        }
    }

    /// Takes whole frames of interleaved samples.
    pub(crate) fn push(&mut self, mut interleaved: &[f32]) {
        let channels = self.high_pass.len();
        while interleaved.len() >= channels {
            let cell_end = (self.cells.len() as u64 + 1) * self.rate / u64::from(CELLS_PER_SECOND);
            let missing = cell_end.saturating_sub(self.position).max(1);
            let frames = (interleaved.len() / channels).min(missing as usize);
            let (now, later) = interleaved.split_at(frames * channels);
            interleaved = later;
            self.measure(now);
            self.count += frames as u64;
            self.position += frames as u64;
            if self.position >= cell_end {
                self.close_cell();
            }
        }
    }

    /// The level of each cell, the last one cut at the end of the stream.
    pub(crate) fn finish(mut self) -> Vec<f32> {
        if self.count > 0 {
            self.close_cell();
        }
        self.cells
    }

    /// Adds the power of some frames of the cell under way.
    fn measure(&mut self, interleaved: &[f32]) {
        let (coefficient, mut power) = (self.coefficient, self.power);
        if let [left, right] = self.high_pass.as_mut_slice() {
            // The usual case apart: both filters then stay in registers.
            let (mut l, mut r) = (*left, *right);
            for frame in interleaved.as_chunks::<2>().0 {
                power += l.step(frame[0], coefficient);
                power += r.step(frame[1], coefficient);
            }
            (*left, *right) = (l, r);
        } else {
            for frame in interleaved.chunks_exact(self.high_pass.len()) {
                for (filter, &sample) in self.high_pass.iter_mut().zip(frame) {
                    power += filter.step(sample, coefficient);
                }
            }
        }
        self.power = power;
    }

    fn close_cell(&mut self) {
        let mean = self.power / (self.count.max(1) as f64 * self.high_pass.len() as f64);
        self.cells.push(((10.0 * mean.log10()) as f32).max(FLOOR_DBFS));
        (self.power, self.count) = (0.0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(rate: u32, channels: usize, interleaved: &[f32]) -> Vec<f32> {
        let mut meter = LevelMeter::new(rate, channels);
        interleaved.chunks(7 * channels).for_each(|chunk| meter.push(chunk));
        meter.finish()
    }

    #[test]
    fn a_full_scale_sine_is_minus_three() {
        let sine: Vec<f32> = (0..44_100).map(|n| (n as f32 * 0.1).sin()).collect();
        let levels = levels(44_100, 1, &sine);
        assert_eq!(levels.len(), 125);
        assert!(levels[10..].iter().all(|level| (level + 3.01).abs() < 0.7), "{levels:?}");
    }

    #[test]
    fn opposite_phases_are_not_silence_and_a_constant_is() {
        let opposite: Vec<f32> = (0..8_000).flat_map(|n| [(n as f32).sin(), -(n as f32).sin()]).collect();
        assert!(levels(8_000, 2, &opposite)[10] > -4.0);
        assert!(levels(8_000, 1, &[0.5; 8_000])[124] < -60.0);
    }

    #[test]
    fn the_last_cell_may_be_short() {
        assert_eq!(levels(48_000, 1, &[0.1; 385]).len(), 2);
        assert!(levels(48_000, 1, &[]).is_empty());
    }
}
