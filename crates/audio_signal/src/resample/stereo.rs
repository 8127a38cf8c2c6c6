use media_decode::{DecodeError, check_limits};
use symphonia::core::audio::Channels;

use super::polyphase::{KernelShape, Polyphase};
use crate::channels::stereo_gains;

/// Aliases are attenuated by 100 dB, and frequencies up to 90 % of half the lower rate pass unchanged.
const HIGH_QUALITY: KernelShape = KernelShape { zero_crossings: 64.0, kaiser_beta: 10.06, cutoff: 0.95 };

/// Mixes a stream to stereo and converts its sample rate, in constant memory.
///
/// Output sample n is the band-limited signal at exactly n / `to` s of the input's time, without delay, however the input
/// is split into chunks. At equal rates mono and stereo samples are unchanged.
///
/// # Examples
///
/// ```
/// use audio_signal::StereoResampler;
/// use symphonia::core::audio::{Channels, Position};
///
/// let mono = Channels::Positioned(Position::FRONT_CENTER);
/// let mut resampler = StereoResampler::new(48_000, &mono, 48_000)?;
/// let mut out = Vec::new();
/// resampler.push(&[0.5, -0.25], &mut out);
/// resampler.finish(&mut out);
/// assert_eq!(out, [0.5, 0.5, -0.25, -0.25]);
/// # Ok::<(), media_decode::DecodeError>(())
/// ```
pub struct StereoResampler {
    from: u32,
    to: u32,
    /// Gains of each input channel in the left and the right output.
    gains: Vec<[f32; 2]>,
    /// The mixed input of each side, before conversion, and the output.
    sides: [Side; 2],
    /// Number of input frames so far.
    taken: u64,
}

struct Side {
    /// `None` at equal rates.
    converter: Option<Polyphase>,
    mixed: Vec<f32>,
    converted: Vec<f32>,
}

impl StereoResampler {
    /// A converter at the start of a stream of `rate` Hz and this layout, to `to` Hz (at least 1).
    ///
    /// # Errors
    /// [`DecodeError::LimitExceeded`] for an unsupported sample rate or channel count.
    pub fn new(rate: u32, channels: &Channels, to: u32) -> Result<Self, DecodeError> {
        check_limits(rate, channels.count())?;
        let side = || Side {
            converter: (rate != to).then(|| Polyphase::new(rate, to, &HIGH_QUALITY)),
            mixed: Vec::new(),
            converted: Vec::new(),
        };
        Ok(Self { from: rate, to, gains: stereo_gains(channels), sides: [side(), side()], taken: 0 })
    }

    /// Adds whole frames of interleaved, finite samples and appends all complete output, left and right interleaved.
    pub fn push(&mut self, interleaved: &[f32], out: &mut Vec<f32>) {
        let frames = interleaved.chunks_exact(self.gains.len());
        self.taken += frames.len() as u64;
        for (side, Side { mixed, .. }) in self.sides.iter_mut().enumerate() {
            let weighted = |frame: &[f32]| {
                frame.iter().zip(&self.gains).map(|(sample, gains)| gains[side] * sample).sum::<f32>()
            };
            mixed.extend(frames.clone().map(weighted));
        }
        self.convert(u64::MAX, out);
    }

    /// Appends the remaining output: in total, one frame for each 1 / `to` s that starts before the end of the input.
    pub fn finish(mut self, out: &mut Vec<f32>) {
        let end = (self.taken * u64::from(self.to)).div_ceil(u64::from(self.from));
        for side in &mut self.sides {
            if let Some(converter) = &side.converter {
                // Enough silence for the last kernel.
                side.mixed.resize(converter.reach() + 1, 0.0);
            }
        }
        self.convert(end, out);
    }

    fn convert(&mut self, end: u64, out: &mut Vec<f32>) {
        for Side { converter, mixed, converted } in &mut self.sides {
            match converter {
                Some(converter) => converter.push(mixed, end, converted),
                None => converted.append(mixed),
            }
        }
        let [left, right] = &mut self.sides;
        for (left, right) in left.converted.drain(..).zip(right.converted.drain(..)) {
            out.extend([left, right]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use symphonia::core::audio::Position;

    use super::*;

    fn stereo() -> Channels {
        Channels::Positioned(Position::FRONT_LEFT | Position::FRONT_RIGHT)
    }

    /// Converts `input`, given in pieces of `piece` frames.
    fn converted(from: u32, to: u32, input: &[f32], piece: usize) -> Vec<f32> {
        let mut resampler = StereoResampler::new(from, &stereo(), to).unwrap();
        let mut out = Vec::new();
        for frames in input.chunks(2 * piece) {
            resampler.push(frames, &mut out);
        }
        resampler.finish(&mut out);
        out
    }

    fn tone(rate: u32, hz: f64, frames: usize) -> Vec<f32> {
        let sample = |n: usize| (TAU * hz * n as f64 / f64::from(rate)).sin() as f32;
        (0..frames).flat_map(|n| [sample(n), -sample(n)]).collect()
    }

    #[test]
    fn tones_keep_their_phase_and_level() {
        for (from, to, hz) in
            [(44_100, 48_000, 1_000.0), (96_000, 48_000, 15_000.0), (8_000, 48_000, 3_000.0)]
        {
            let found = converted(from, to, &tone(from, hz, from as usize / 2), 1_000);
            let expected = tone(to, hz, to as usize / 2);
            assert_eq!(found.len(), expected.len(), "{from} → {to}");
            let inner = 2_000..found.len() - 2_000;
            let error = inner.map(|at| (found[at] - expected[at]).abs()).fold(0.0, f32::max);
            assert!(error < 1e-4, "{from} → {to}: {error}");
        }
    }

    #[test]
    fn frequencies_beyond_the_output_are_removed() {
        let found = converted(96_000, 48_000, &tone(96_000, 30_000.0, 48_000), 4_096);
        let loudest =
            found[2_000..found.len() - 2_000].iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!(loudest < 1e-4, "{loudest}");
    }

    #[test]
    fn output_does_not_depend_on_the_pieces() {
        let input = tone(44_100, 440.0, 5_000);
        let whole = converted(44_100, 48_000, &input, 5_000);
        for piece in [1, 7, 1_024] {
            assert!(converted(44_100, 48_000, &input, piece) == whole, "{piece}");
        }
    }

    #[test]
    fn stereo_at_the_same_rate_is_unchanged() {
        let input = tone(48_000, 440.0, 1_000);
        assert!(converted(48_000, 48_000, &input, 64) == input);
    }
}
