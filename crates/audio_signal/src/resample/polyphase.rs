//! A polyphase filter bank of windowed sinc kernels. (J. O. Smith, "Digital Audio Resampling".)

use super::window::{bessel_i0, sinc};
use crate::simd::{Aligned, WIDTH, total, vectorized};

/// Maximum number of tabulated kernels. Rates that would need more (none in common use) interpolate between two.
const MAX_PHASES: u64 = 1_024;
/// Number of outputs computed together.
const BLOCK: usize = 64;

/// The shape of the kernels.
pub(super) struct KernelShape {
    /// Zero crossings on either side.
    pub(super) zero_crossings: f64,
    /// Shape of the Kaiser window: with it the attenuation of aliases.
    pub(super) kaiser_beta: f64,
    /// Middle of the transition band, as a fraction of half the lower sample rate.
    pub(super) cutoff: f64,
}

/// Converts the sample rate of one channel, in constant memory.
///
/// Output sample n is the band-limited signal at exactly n / `to` s of the input's time, without delay. It is one sum over
/// the input around that instant, so it does not depend on how the input is split into chunks.
pub(super) struct Polyphase {
    kernels: Kernels,
    /// Partial sums of the outputs that are computed together.
    sums: Vec<[f32; WIDTH]>,
    /// Input that is still needed; zeros precede the first sample of the stream.
    pending: Vec<f32>,
    /// First tap of the next output sample's kernel in `pending`, and the fraction of a sample (in `1 / kernels.up`) by
    /// which the kernel's centre follows its middle tap.
    first_tap: usize,
    fraction: u64,
    /// Number of output samples so far.
    given: u64,
}

impl Polyphase {
    /// A converter whose output and input rate are in the ratio `to` : `from`, both positive.
    pub(super) fn new(from: u32, to: u32, shape: &KernelShape) -> Self {
        let kernels = Kernels::new(from, to, shape);
        Self {
            pending: vec![0.0; kernels.reach - 1],
            kernels,
            sums: Vec::with_capacity(BLOCK),
            first_tap: 0,
            fraction: 0,
            given: 0,
        }
    }

    /// Number of samples on either side of an instant that determine its output.
    pub(super) fn reach(&self) -> usize {
        self.kernels.reach
    }

    /// Adds `samples`, which is then empty, and appends all complete output before sample `end`.
    pub(super) fn push(&mut self, samples: &mut Vec<f32>, end: u64, out: &mut Vec<f32>) {
        self.pending.append(samples);
        let Kernels { up, down, reach, .. } = self.kernels;
        let (whole, part) = ((down / up) as usize, down % up);
        loop {
            self.sums.clear();
            vectorized(
                #[inline(always)]
                || {
                    while self.sums.len() < BLOCK
                        && self.given < end
                        && let Some(input) = self.pending.get(self.first_tap..self.first_tap + 2 * reach)
                    {
                        self.sums.push(self.kernels.partial_sums(input, self.fraction));
                        self.given += 1;
                        // Branchless, because skipped samples are unpredictable for the processor.
                        let fraction = self.fraction + part;
                        let carry = u64::from(fraction >= up);
                        self.fraction = fraction - carry * up;
                        self.first_tap += whole + carry as usize;
                    }
                },
            );
            if self.sums.is_empty() {
                break;
            }
            // In a separate loop, because reading a sum immediately would wait for its write.
            out.extend(self.sums.iter().map(total));
        }
        let used = self.first_tap.min(self.pending.len());
        self.pending.drain(..used);
        self.first_tap -= used;
    }
}

/// The kernel for each fraction of an input sample at which an output sample can be.
struct Kernels {
    /// Output and input rate without common factors: output n is at input n × down / up.
    up: u64,
    down: u64,
    /// Number of input samples on either side: a multiple of half the block of [`weigh`].
    reach: usize,
    /// Number of kernels in `taps`, without the one at fraction 1: `up`, or fewer with interpolation.
    phases: u64,
    /// `phases + 1` kernels of 2 × `reach` taps.
    taps: Aligned,
}

impl Kernels {
    fn new(from: u32, to: u32, shape: &KernelShape) -> Self {
        let common = gcd(to, from);
        let (up, down) = (u64::from(to / common), u64::from(from / common));
        // When the rate decreases, the kernel is stretched to the output rate.
        let stretch = (down as f64 / up as f64).max(1.0);
        let reach = ((shape.zero_crossings * stretch).ceil() as usize).next_multiple_of(WIDTH / 2);
        let phases = up.min(MAX_PHASES);
        let kernel = |phase| kernel(shape, phase as f64 / phases as f64, reach, stretch);
        Self { up, down, reach, phases, taps: (0..=phases).flat_map(kernel).collect() }
    }

    /// The output at `fraction / up` of a sample after the middle of `input`, as partial sums.
    #[inline(always)]
    fn partial_sums(&self, input: &[f32], fraction: u64) -> [f32; WIDTH] {
        // Divisions are slow, and in most cases each fraction has its own kernel.
        let (phase, between) = if self.phases == self.up {
            (fraction as usize, 0)
        } else {
            let at = fraction * self.phases;
            ((at / self.up) as usize, at % self.up)
        };
        let (taps, rest) = self.taps[phase * input.len()..].split_at(input.len());
        let low = weigh(taps, input);
        if between == 0 {
            return low;
        }
        let (high, between) = (weigh(&rest[..input.len()], input), between as f32 / self.up as f32);
        std::array::from_fn(|i| low[i] + (high[i] - low[i]) * between)
    }
}

/// A low-pass kernel of unit gain, centred `fraction` (0 to 1) of a sample after tap `reach - 1`.
pub(super) fn kernel(shape: &KernelShape, fraction: f64, reach: usize, stretch: f64) -> Vec<f32> {
    let tap = |i| {
        let distance = (i as f64 - (reach - 1) as f64 - fraction) / stretch;
        let edge = distance / (reach as f64 / stretch);
        sinc(shape.cutoff * distance) * bessel_i0(shape.kaiser_beta * (1.0 - edge * edge).max(0.0).sqrt())
    };
    let taps: Vec<f64> = (0..2 * reach).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

/// Partial sums of the products of two slices of equal length, a multiple of [`WIDTH`].
#[inline(always)]
fn weigh(taps: &[f32], input: &[f32]) -> [f32; WIDTH] {
    let mut sums = [0.0; WIDTH];
    for (taps, input) in taps.as_chunks::<WIDTH>().0.iter().zip(input.as_chunks::<WIDTH>().0) {
        for ((sum, tap), input) in sums.iter_mut().zip(taps).zip(input) {
            *sum += tap * input;
        }
    }
    sums
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
