//! The K-weighting filter of ITU-R BS.1770, which models the sensitivity of the ear.

use std::f64::consts::PI;

/// Filter state below this is set to zero; otherwise it would decay to subnormal numbers, which are slow.
const QUIET: f64 = 1e-30;

/// A second-order section: y = b0 x + b1 x₁ + b2 x₂ − a1 y₁ − a2 y₂.
#[derive(Clone, Copy)]
struct Section {
    b: [f64; 3],
    a: [f64; 2],
}

/// The K-weighting of a pair of channels: two sections in series, each with the input and output of the last two
/// steps. The processor computes both channels at once.
pub(super) struct Weighting {
    sections: [Section; 2],
    /// The last two values of the input, between the sections, and of the output.
    memory: [[Pair; 2]; 3],
}

/// A value for each of two channels.
pub(super) type Pair = [f64; 2];

impl Weighting {
    /// The filter at a sample rate of `rate` Hz, at rest.
    pub(super) fn new(rate: f64) -> Self {
        Self { sections: [shelf(rate), high_pass(rate)], memory: [[[0.0; 2]; 2]; 3] }
    }

    /// Filters `samples` and returns the sum of the output's squares.
    #[inline(always)]
    pub(super) fn power(&mut self, samples: impl Iterator<Item = Pair>) -> Pair {
        let [shelf, high_pass] = self.sections;
        let [mut x, mut y, mut z] = self.memory;
        let mut power = [0.0; 2];
        for sample in samples {
            let between = shelf.step(sample, x, y);
            let output = high_pass.step(between, y, z);
            (x, y, z) = ([sample, x[0]], [between, y[0]], [output, z[0]]);
            for (power, output) in power.iter_mut().zip(output) {
                *power += output * output;
            }
        }
        self.memory = [x, y, z];
        for value in self.memory.as_flattened_mut().as_flattened_mut() {
            *value = if value.abs() < QUIET { 0.0 } else { *value };
        }
        power
    }
}

impl Section {
    #[inline(always)]
    fn step(self, input: Pair, x: [Pair; 2], y: [Pair; 2]) -> Pair {
        // The newest output is used last, so that only one product and one difference depend on it.
        std::array::from_fn(|c| {
            let known =
                self.b[0] * input[c] + self.b[1] * x[0][c] + self.b[2] * x[1][c] - self.a[1] * y[1][c];
            known - self.a[0] * y[0][c]
        })
    }
}

// BS.1770 has coefficients for 48 kHz only. These are of its analogue prototypes, for any rate by the bilinear
// transform: B. De Man, "Evaluation of Implementations of the EBU R128 Loudness Measurement" (AES 145, 2018).

/// The first section: a shelf of 4 dB above about 1.7 kHz that models the head. Rates without such frequencies need no
/// shelf.
fn shelf(rate: f64) -> Section {
    let (f0, gain_db, q) = (1_681.974_450_955_533, 3.999_843_853_973_347, 0.707_175_236_955_419_6);
    if rate <= 2.0 * f0 {
        return Section { b: [1.0, 0.0, 0.0], a: [0.0; 2] };
    }
    let k = (PI * f0 / rate).tan();
    let high = 10_f64.powf(gain_db / 20.0);
    let band = high.powf(0.499_666_774_154_541_6);
    let a0 = 1.0 + k / q + k * k;
    Section {
        b: [
            (high + band * k / q + k * k) / a0,
            2.0 * (k * k - high) / a0,
            (high - band * k / q + k * k) / a0,
        ],
        a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
    }
}

/// The second section: a high-pass at 38 Hz.
fn high_pass(rate: f64) -> Section {
    let (f0, q) = (38.135_470_876_024_44, 0.500_327_037_323_877_3);
    let k = (PI * f0 / rate).tan();
    let a0 = 1.0 + k / q + k * k;
    Section { b: [1.0, -2.0, 1.0], a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0] }
}
