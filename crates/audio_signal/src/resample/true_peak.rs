use super::polyphase::{KernelShape, kernel};
use crate::simd::vectorized;

/// Of short reach, as the filter of the standard, which has 12 taps a phase.
const PEAK: KernelShape = KernelShape { zero_crossings: 12.0, kaiser_beta: 6.0, cutoff: 1.0 };
/// Number of samples on either side of an instant that determine its value.
const REACH: usize = 16;
const TAPS: usize = 2 * REACH;
/// Number of frames measured together.
const BLOCK: usize = 32;
const INPUT: usize = BLOCK + TAPS - 1;
/// The quarters between samples are computed only where the samples and the halves between them reach this part of the
/// peak so far. A band-limited signal exceeds its values at twice the rate by at most √2 (H. Ehlich and K. Zeller,
/// "Schwankung von Polynomen zwischen Gitterpunkten", 1964).
const NEAR_PEAK: f32 = 0.65;

/// Measures the true peak of a stream: the largest magnitude of any channel at four times the sample rate
/// (ITU-R BS.1770-4, annex 2).
///
/// # Examples
///
/// ```
/// // A tone of a quarter of the rate whose samples miss its peaks, in stereo.
/// let tone: Vec<f32> = (0..400).flat_map(|n| [[0.7, 0.7, -0.7, -0.7][n % 4]; 2]).collect();
/// let mut meter = audio_signal::TruePeakMeter::new(2);
/// meter.push(&tone);
/// let peak = meter.finish();
/// assert!((0.97..1.1).contains(&peak), "{peak}");
/// ```
pub struct TruePeakMeter {
    kernels: Kernels,
    /// Samples of each channel that are still needed; zeros precede the first one.
    pending: Vec<Vec<f32>>,
    peak: f32,
}

/// The interpolation kernels. That of three quarters is the reverse of that of a quarter, and that of a half is symmetric.
struct Kernels {
    quarter: [f32; TAPS],
    half: [f32; REACH],
    /// The largest factor by which an interpolated value can exceed the samples around it.
    gain: f32,
}

impl Kernels {
    fn new() -> Self {
        let [quarter, half] = [0.25, 0.5].map(|fraction| kernel(&PEAK, fraction, REACH, 1.0));
        let gain = |taps: &[f32]| taps.iter().map(|tap| tap.abs()).sum::<f32>();
        Self {
            gain: 1.001 * gain(&quarter).max(gain(&half)),
            quarter: std::array::from_fn(|tap| quarter[tap]),
            half: std::array::from_fn(|tap| half[tap]),
        }
    }

    /// The larger of `peak` and the magnitudes of [`BLOCK`] samples from the 15th on, and between them.
    #[inline(always)]
    fn peak(&self, input: &[f32; INPUT], peak: f32) -> f32 {
        let highest = largest(input);
        let peak = larger(peak, highest);
        if highest * self.gain <= peak {
            return peak;
        }
        let mut halves = [0.0; BLOCK];
        for (tap, weight) in self.half.iter().enumerate() {
            let (before, after) = (&input[tap..tap + BLOCK], &input[TAPS - 1 - tap..TAPS - 1 - tap + BLOCK]);
            for ((value, before), after) in halves.iter_mut().zip(before).zip(after) {
                *value += weight * (before + after);
            }
        }
        let highest = larger(highest, largest(&halves));
        let peak = larger(peak, highest);
        if highest < NEAR_PEAK * peak {
            return peak;
        }
        let (mut first, mut third) = ([0.0; BLOCK], [0.0; BLOCK]);
        for tap in 0..TAPS {
            let (weight, mirrored) = (self.quarter[tap], self.quarter[TAPS - 1 - tap]);
            for ((first, third), sample) in first.iter_mut().zip(&mut third).zip(&input[tap..tap + BLOCK]) {
                *first += weight * sample;
                *third += mirrored * sample;
            }
        }
        larger(peak, larger(largest(&first), largest(&third)))
    }
}

impl TruePeakMeter {
    /// A meter at the start of a stream of any rate with this number of channels, at least one.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        Self { kernels: Kernels::new(), pending: vec![vec![0.0; REACH - 1]; channels.max(1)], peak: 0.0 }
    }

    /// Adds whole frames of interleaved, finite samples; the result does not depend on how they are split into calls.
    pub fn push(&mut self, interleaved: &[f32]) {
        match self.pending.as_mut_slice() {
            [mono] => mono.extend_from_slice(interleaved),
            // The common case is handled separately, so that the compiler knows the layout of the samples.
            [left, right] => {
                let frames = interleaved.as_chunks::<2>().0;
                left.extend(frames.iter().map(|[left, _]| left));
                right.extend(frames.iter().map(|[_, right]| right));
            }
            channels => {
                let count = channels.len();
                for (channel, pending) in channels.iter_mut().enumerate() {
                    pending.extend(interleaved.iter().skip(channel).step_by(count));
                }
            }
        }
        self.measure();
    }

    /// The largest magnitude, full scale 1; 0 for silence.
    #[must_use]
    pub fn finish(mut self) -> f32 {
        for pending in &mut self.pending {
            pending.resize(pending.len() + INPUT, 0.0);
        }
        self.measure();
        self.peak
    }

    /// Measures all complete blocks: one block of every channel after the other, so that the peak so far does not depend on
    /// how the stream was split.
    fn measure(&mut self) {
        let length = self.pending.iter().map(Vec::len).min().unwrap_or(0);
        let blocks = (length + 1).saturating_sub(TAPS) / BLOCK;
        let Self { kernels, pending, peak } = self;
        vectorized(
            #[inline(always)]
            || {
                for block in 0..blocks {
                    for channel in pending.iter() {
                        if let Some(input) = channel.get(block * BLOCK..).and_then(<[f32]>::first_chunk) {
                            *peak = kernels.peak(input, *peak);
                        }
                    }
                }
            },
        );
        for channel in pending {
            channel.drain(..blocks * BLOCK);
        }
    }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// The largest magnitude, in lanes that the compiler can vectorise.
#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane = larger(*lane, value.abs()));
    }
    rest.iter().map(|value| value.abs()).chain(lanes).fold(0.0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise with bursts, so that the gates open and close.
    fn noise(count: usize) -> Vec<f32> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as i32 as f32 / i32::MAX as f32
        };
        (0..count).map(|n| next() * if n / 700 % 3 == 0 { 0.9 } else { 0.2 }).collect()
    }

    /// The values at four times the rate, by a direct sum.
    fn direct(samples: &[f32]) -> f32 {
        let mut peak = samples.iter().fold(0.0, |peak: f32, sample| peak.max(sample.abs()));
        let padded = [&[0.0; REACH - 1], samples, &[0.0; TAPS]].concat();
        for fraction in [0.25, 0.5, 0.75] {
            let taps = kernel(&PEAK, fraction, REACH, 1.0);
            let value = |input: &[f32]| taps.iter().zip(input).map(|(tap, sample)| tap * sample).sum::<f32>();
            peak = padded.windows(TAPS).map(value).fold(peak, |peak, value| peak.max(value.abs()));
        }
        peak
    }

    #[test]
    fn true_peak_equals_a_direct_sum_for_any_chunks_and_channels() {
        for channels in [1, 2, 3] {
            let samples = noise(30_000 * channels);
            let of = |channel: usize| {
                direct(&samples.iter().skip(channel).step_by(channels).copied().collect::<Vec<_>>())
            };
            let expected = (0..channels).map(of).fold(0.0, f32::max);
            for frames in [1, 31, 32, 1_000, 30_000] {
                let mut meter = TruePeakMeter::new(channels);
                samples.chunks(frames * channels).for_each(|chunk| meter.push(chunk));
                let found = meter.finish();
                assert!((found - expected).abs() < 1e-5, "{channels} channels: {found}, direct {expected}");
            }
        }
    }

    #[test]
    fn last_sample_is_interpolated_with_silence() {
        let mut meter = TruePeakMeter::new(1);
        meter.push(&[0.0, 0.5, 0.5]);
        let found = meter.finish();
        assert!((found - direct(&[0.0, 0.5, 0.5])).abs() < 1e-6 && found > 0.55, "{found}");
        assert_eq!(TruePeakMeter::new(2).finish(), 0.0);
    }
}
