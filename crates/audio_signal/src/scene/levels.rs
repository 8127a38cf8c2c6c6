use crate::simd::vectorized;
use crate::steps::Steps;

/// Level cells per second: 8 ms each.
pub(crate) const CELLS_PER_SECOND: u32 = 125;
/// The level of digital silence, in dBFS.
pub(crate) const FLOOR_DBFS: f32 = -120.0;
/// Cutoff in Hz of the high-pass filter that removes a DC offset.
const HIGH_PASS_HZ: f64 = 20.0;
/// Number of frames that the high-pass filter processes at once.
const FRAMES: usize = 4;

/// RMS level of a stream of any rate and channel count in cells of 8 ms, in dBFS (0 dBFS: a full-scale square wave).
///
/// The powers of all channels are averaged, because a mono mix would cancel audio that is out of phase.
pub(crate) struct LevelMeter {
    steps: Steps,
    meter: CellMeter,
}

struct CellMeter {
    high_pass: HighPass,
    /// One filter memory per channel.
    filters: Vec<Memory>,
    /// Samples of one channel of a cell.
    channel: Vec<f32>,
    cells: Vec<f32>,
}

impl LevelMeter {
    pub(crate) fn new(rate: u32, channels: usize) -> Self {
        let (rate, channels) = (rate.max(1), channels.max(1));
        let meter = CellMeter {
            high_pass: HighPass::new(rate),
            filters: vec![Memory::default(); channels],
            channel: Vec::new(),
            cells: Vec::new(),
        };
        Self { steps: Steps::new(rate, CELLS_PER_SECOND, channels), meter }
    }

    /// Adds whole frames of interleaved samples.
    pub(crate) fn push(&mut self, interleaved: &[f32]) {
        self.steps.push(interleaved, |cell| self.meter.measure(cell));
    }

    /// The level of each cell, the last one truncated at the end of the stream.
    pub(crate) fn finish(mut self) -> Vec<f32> {
        let rest = self.steps.rest();
        if !rest.is_empty() {
            self.meter.measure(rest);
        }
        self.meter.cells
    }
}

impl CellMeter {
    fn measure(&mut self, cell: &[f32]) {
        let Self { high_pass, filters, channel, cells } = self;
        let count = filters.len();
        let power = match filters.as_mut_slice() {
            // The common case is handled separately, with both channels processed together.
            [left, right] => high_pass.power([left, right], cell.as_chunks().0),
            filters => {
                let power_of = |(first, filter)| {
                    channel.clear();
                    channel.extend(cell.iter().skip(first).step_by(count));
                    high_pass.power([filter], channel.as_chunks().0)
                };
                filters.iter_mut().enumerate().map(power_of).sum()
            }
        };
        let mean = power / cell.len().max(1) as f64;
        cells.push(((10.0 * mean.log10()) as f32).max(FLOOR_DBFS));
    }
}

/// y(n) = x(n) − x(n−1) + c y(n−1), for [`FRAMES`] frames at once, so that all y(n) depend on a single y(n−1).
struct HighPass {
    /// c, c², c³, c⁴.
    powers: [f64; FRAMES],
}

/// The last input and output of a channel's filter.
#[derive(Clone, Copy, Default)]
struct Memory {
    input: f64,
    output: f64,
}

impl HighPass {
    fn new(rate: u32) -> Self {
        let coefficient = (-std::f64::consts::TAU * HIGH_PASS_HZ / f64::from(rate)).exp();
        let mut powers = [coefficient; FRAMES];
        for n in 1..FRAMES {
            powers[n] = powers[n - 1] * coefficient;
        }
        Self { powers }
    }

    /// Filters `frames` of `C` channels and returns the sum of the output's squares.
    fn power<const C: usize>(&self, memories: [&mut Memory; C], frames: &[[f32; C]]) -> f64 {
        let mut inputs = memories.each_ref().map(|memory| memory.input);
        let mut outputs = memories.each_ref().map(|memory| memory.output);
        let mut squares = [[0.0; C]; FRAMES];
        let (blocks, rest) = frames.as_chunks::<FRAMES>();
        vectorized(
            #[inline(always)]
            || {
                for block in blocks {
                    let samples = block.map(|frame| frame.map(f64::from));
                    let filtered = self.filter(&samples, &inputs, &outputs);
                    (inputs, outputs) = (samples[FRAMES - 1], filtered[FRAMES - 1]);
                    for (square, value) in squares.as_flattened_mut().iter_mut().zip(filtered.as_flattened())
                    {
                        *square += value * value;
                    }
                }
            },
        );
        let [coefficient, ..] = self.powers;
        for frame in rest {
            for c in 0..C {
                let input = f64::from(frame[c]);
                outputs[c] = input - inputs[c] + coefficient * outputs[c];
                inputs[c] = input;
                squares[0][c] += outputs[c] * outputs[c];
            }
        }
        for (c, memory) in memories.into_iter().enumerate() {
            *memory = Memory { input: inputs[c], output: outputs[c] };
        }
        squares.as_flattened().iter().sum()
    }

    #[inline(always)]
    fn filter<const C: usize>(
        &self,
        samples: &[[f64; C]; FRAMES],
        inputs: &[f64; C],
        outputs: &[f64; C],
    ) -> [[f64; C]; FRAMES] {
        let [once, twice, ..] = self.powers;
        std::array::from_fn(|n| {
            std::array::from_fn(|c| {
                // The change of the input `back` frames before.
                let change = |back: usize| match n.checked_sub(back) {
                    None => 0.0,
                    Some(0) => samples[0][c] - inputs[c],
                    Some(n) => samples[n][c] - samples[n - 1][c],
                };
                let newest = change(0) + once * change(1);
                let older = change(2) + once * change(3);
                newest + twice * older + self.powers[n] * outputs[c]
            })
        })
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
    fn full_scale_sine_has_a_level_of_minus_3_dbfs() {
        let sine: Vec<f32> = (0..44_100).map(|n| (n as f32 * 0.1).sin()).collect();
        let levels = levels(44_100, 1, &sine);
        assert_eq!(levels.len(), 125);
        assert!(levels[10..].iter().all(|level| (level + 3.01).abs() < 0.7), "{levels:?}");
    }

    #[test]
    fn opposite_phases_have_a_level_and_a_constant_is_silent() {
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
