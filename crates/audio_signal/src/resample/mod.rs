//! Conversion of any sample rate and channel layout to 16 kHz mono, or to stereo at any rate.

mod half_band;
mod polyphase;
mod stereo;
mod true_peak;
mod window;

use symphonia::core::audio::Channels;

use self::half_band::HalfBand;
use self::polyphase::{KernelShape, Polyphase};
use media_decode::check_limits;

use crate::{SPEECH_RATE, SignalError, channels::downmix_gains};

pub use self::stereo::StereoResampler;
pub use self::true_peak::TruePeakMeter;

/// Aliases are attenuated by 70 dB, and frequencies up to 7.4 kHz pass unchanged.
const SPEECH: KernelShape = KernelShape { zero_crossings: 32.0, kaiser_beta: 6.76, cutoff: 0.932 };
/// Sample rate in Hz from which it is halved first: kernels are cheaper at half the rate.
const HALVED_FROM: u32 = 44_000;

/// Mixes a stream to mono and converts it to 16 kHz, in constant memory.
///
/// High rates are first halved by half-band filters, then converted by a polyphase filter bank of windowed sinc
/// kernels: output sample n is the band-limited signal at exactly n / 16 000 s of the input's time, without delay,
/// however the input is split into chunks.
pub struct Resampler {
    rate: u32,
    /// Gain of each input channel in the mono mix.
    gains: Vec<f32>,
    mono: Vec<f32>,
    halvings: Vec<HalfBand>,
    converter: Polyphase,
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
        let converter = Polyphase::new(rate, SPEECH_RATE << halvings.len(), &SPEECH);
        Ok(Self { rate, gains: downmix_gains(channels), mono: Vec::new(), halvings, converter, taken: 0 })
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
        let reach = self.converter.reach() + half_band::REACH * self.halvings.len();
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
        self.converter.push(&mut self.mono, end, out);
    }
}
