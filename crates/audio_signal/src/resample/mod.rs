//! Conversion of any sample rate and channel layout to 16 kHz mono.

mod half_band;
mod window;

use symphonia::core::audio::Channels;

use self::half_band::HalfBand;
use self::window::{bessel_i0, sinc};
use crate::simd::{Aligned, WIDTH, total, vectorized};
use media_decode::check_limits;

use crate::{SPEECH_RATE, SignalError, channels::downmix_gains};

/// Zero crossings of the kernel on either side, and the shape of its Kaiser window: aliases are attenuated by 70 dB,
/// and frequencies up to 7.4 kHz pass unchanged.
const ZERO_CROSSINGS: f64 = 32.0;
const KAISER_BETA: f64 = 6.76;
/// Middle of the transition band, as a fraction of half the lower sample rate.
const CUTOFF: f64 = 0.932;
/// Maximum number of tabulated kernels. Rates that would need more (none in common use) interpolate between two.
const MAX_PHASES: u64 = 1_024;
/// Sample rate in Hz from which it is halved first: kernels are cheaper at half the rate.
const HALVED_FROM: u32 = 44_000;
/// Number of outputs computed together.
const BLOCK: usize = 64;

/// Mixes a stream to mono and converts it to 16 kHz, in constant memory.
///
/// High rates are first halved by half-band filters, then converted by a polyphase filter bank of windowed sinc
/// kernels: output sample n is the band-limited signal at exactly n / 16 000 s of the input's time, without delay. It
/// is one sum over the input around that instant, so it does not depend on how the input is split into chunks. (J. O.
/// Smith, "Digital Audio Resampling".)
pub struct Resampler {
    rate: u32,
    /// Gain of each input channel in the mono mix.
    gains: Vec<f32>,
    mono: Vec<f32>,
    halvings: Vec<HalfBand>,
    kernels: Kernels,
    /// Partial sums of the outputs that are computed together.
    sums: Vec<[f32; WIDTH]>,
    /// Halved mono input that is still needed; zeros precede the first sample of the stream.
    pending: Vec<f32>,
    /// First tap of the next output sample's kernel in `pending`, and the fraction of a sample (in `1 / kernels.up`) by
    /// which the kernel's centre follows its middle tap.
    first_tap: usize,
    fraction: u64,
    /// Number of output samples so far.
    given: u64,
    /// Number of mono input samples so far.
    taken: u64,
}

impl Resampler {
    /// A converter at the start of a stream with this sample rate (Hz) and layout.
    ///
    /// # Errors
    /// [`media_decode::DecodeError::LimitExceeded`] for an unsupported sample rate or channel count.
    pub fn new(rate: u32, channels: &Channels) -> Result<Self, SignalError> {
        check_limits(rate, channels.count())?;
        let halvings =
            std::iter::successors(Some(rate), |rate| Some(rate / 2)).take_while(|rate| *rate >= HALVED_FROM);
        let halvings: Vec<HalfBand> = halvings.map(|_| HalfBand::new()).collect();
        let kernels = Kernels::new(rate, 1 << halvings.len());
        Ok(Self {
            rate,
            gains: downmix_gains(channels),
            mono: Vec::new(),
            halvings,
            pending: vec![0.0; kernels.reach - 1],
            kernels,
            sums: Vec::with_capacity(BLOCK),
            first_tap: 0,
            fraction: 0,
            given: 0,
            taken: 0,
        })
    }

    /// Adds whole frames of interleaved, finite samples and appends all complete output.
    pub fn push(&mut self, interleaved: &[f32], out: &mut Vec<f32>) {
        let gains = &self.gains;
        let frames = interleaved.chunks_exact(gains.len());
        self.taken += frames.len() as u64;
        match *gains.as_slice() {
            [gain] => self.mono.extend(interleaved.iter().map(|sample| gain * sample)),
            [left, right] => {
                let frames = interleaved.as_chunks::<2>().0;
                self.mono.extend(frames.iter().map(|[l, r]| left * l + right * r));
            }
            _ => {
                let mix =
                    |frame: &[f32]| frame.iter().zip(gains).map(|(sample, gain)| gain * sample).sum::<f32>();
                self.mono.extend(frames.map(mix));
            }
        }
        self.convert_mono(u64::MAX, out);
    }

    /// Appends the remaining output: in total, one sample for each 1 / 16 000 s that starts before the end of the
    /// input.
    pub fn finish(mut self, out: &mut Vec<f32>) {
        let end = (self.taken * u64::from(SPEECH_RATE)).div_ceil(u64::from(self.rate));
        // Enough silence for the last kernel and all filters before it.
        let reach = self.kernels.reach + half_band::REACH * self.halvings.len();
        self.mono.resize((reach + 1) << self.halvings.len(), 0.0);
        self.convert_mono(end, out);
    }

    /// Halves the samples in `mono` and appends the output before `end` for which the input suffices.
    fn convert_mono(&mut self, end: u64, out: &mut Vec<f32>) {
        for halving in &mut self.halvings {
            let mut halved = Vec::with_capacity(self.mono.len() / 2 + 1);
            halving.push(&self.mono, &mut halved);
            self.mono = halved;
        }
        self.pending.append(&mut self.mono);
        self.convert(end, out);
    }

    /// Appends the output before `end` for which the pending input suffices, and drops input that is no longer needed.
    fn convert(&mut self, end: u64, out: &mut Vec<f32>) {
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
    /// Kernels for an input of `rate` / `halved` Hz.
    fn new(rate: u32, halved: u32) -> Self {
        let common = gcd(SPEECH_RATE * halved, rate);
        let (up, down) = (u64::from(SPEECH_RATE * halved / common), u64::from(rate / common));
        // When the rate decreases, the kernel is stretched to the output rate.
        let stretch = (down as f64 / up as f64).max(1.0);
        let reach = ((ZERO_CROSSINGS * stretch).ceil() as usize).next_multiple_of(WIDTH / 2);
        let phases = up.min(MAX_PHASES);
        let kernel = |phase| kernel(phase as f64 / phases as f64, reach, stretch);
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
fn kernel(fraction: f64, reach: usize, stretch: f64) -> Vec<f32> {
    let tap = |i| {
        let distance = (i as f64 - (reach - 1) as f64 - fraction) / stretch;
        let edge = distance / (reach as f64 / stretch);
        sinc(CUTOFF * distance) * bessel_i0(KAISER_BETA * (1.0 - edge * edge).max(0.0).sqrt())
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
