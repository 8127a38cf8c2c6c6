//! The coded source: audio that is located by correlation to the sample, and video whose frames carry their number.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::ffmpeg::{decode_left, ffmpeg};

const SECONDS: u32 = 8;
/// Length of the coded source, in ms.
pub(crate) const LENGTH_MS: f64 = 8_000.0;
/// Duration of a frame of the coded video, in ms.
pub(crate) const FRAME_MS: f64 = 40.0;
/// Number of bits of a frame number, one column of squares each.
pub(crate) const CODE_BITS: usize = 8;
/// Sample rate of rendered audio, in Hz.
pub(crate) const RENDER_RATE: u32 = 48_000;

/// First and last onset of a burst, in ms. With these and the intervals below, the number of loudness blocks above the
/// gate does not depend on the start of the blocks, so an encoder's delay does not change the loudness.
const ONSETS_MS: (u32, u32) = (330, 7_478);
const BURST_PEAK: f32 = 0.5;
const BURST_DECAY_S: f32 = 0.04;
/// Amplitude of the noise between bursts, 28 dB below their peaks: no stretch of it repeats.
const BED_LEVEL: f32 = 0.02;
/// Cutoff of two poles, which leave little energy in the band that lossy encoders cut.
const CUTOFF_HZ: f32 = 1_500.0;

/// Sample rate and channels of a coded source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Layout {
    pub(crate) rate: u32,
    pub(crate) channels: u16,
}

/// The source in all required layouts.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) video: PathBuf,
    audio: HashMap<Layout, Source>,
}

/// The audio of the source in one layout.
#[derive(Debug)]
pub(crate) struct Source {
    /// File that is encoded.
    pub(crate) wav: PathBuf,
    /// Samples of the left channel.
    pub(crate) left: Vec<f32>,
    /// Samples of the left channel at [`RENDER_RATE`].
    pub(crate) left_of_render: Vec<f32>,
}

impl Sources {
    /// Writes all sources into `folder`.
    pub(crate) fn write(folder: &Path, layouts: impl Iterator<Item = Layout>) -> Self {
        let mut audio = HashMap::new();
        for layout in layouts {
            audio.entry(layout).or_insert_with(|| Source::write(folder, layout));
        }
        Self { video: write_video(folder), audio }
    }

    pub(crate) fn layouts(&self) -> impl Iterator<Item = (Layout, &Source)> {
        self.audio.iter().map(|(layout, source)| (*layout, source))
    }

    pub(crate) fn audio(&self, layout: Layout) -> &Source {
        &self.audio[&layout]
    }
}

impl Source {
    fn write(folder: &Path, layout: Layout) -> Self {
        let channels: Vec<_> = (0..layout.channels).map(|channel| synthesize(layout.rate, channel)).collect();
        let wav = folder.join(format!("source_{}_{}.wav", layout.rate, layout.channels));
        std::fs::write(&wav, wav_file(layout, &channels)).unwrap();
        let left_of_render = decode_left(&wav, RENDER_RATE).unwrap();
        Self { wav, left: channels.into_iter().next().unwrap(), left_of_render }
    }
}

/// Onsets at distinct intervals of 188 to 314 ms, so that a hit cannot be mistaken for another.
fn onsets_ms() -> impl Iterator<Item = u32> {
    let (first, last) = ONSETS_MS;
    let mut intervals = (0..).map(|index| 188 + index * 53 % 127);
    let onsets = std::iter::successors(Some(first), move |onset| Some(onset + intervals.next()?));
    onsets.take_while(move |onset| *onset <= last)
}

/// Bursts of noise over quieter noise; the channels share two thirds of the amplitude.
pub(crate) fn synthesize(rate: u32, channel: u16) -> Vec<f32> {
    let mut common = Noise::new(1, rate);
    let mut own = Noise::new(2 + u64::from(channel), rate);
    let decay = (-1.0 / (BURST_DECAY_S * rate as f32)).exp();
    let onsets: Vec<u32> = onsets_ms().map(|ms| ms * rate / 1_000).collect();
    let mut burst = 0.0_f32;
    let sample = |index| {
        burst = if onsets.contains(&index) { BURST_PEAK } else { burst * decay };
        let noise = 0.67 * common.next() + 0.33 * own.next();
        ((burst + BED_LEVEL) * noise).clamp(-1.0, 1.0)
    };
    (0..SECONDS * rate).map(sample).collect()
}

/// Low-passed noise with a peak of about one, the same on every machine.
struct Noise {
    state: u64,
    coefficient: f32,
    poles: [f32; 2],
}

impl Noise {
    fn new(seed: u64, rate: u32) -> Self {
        let coefficient = 1.0 - (-2.0 * std::f32::consts::PI * CUTOFF_HZ / rate as f32).exp();
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), coefficient, poles: [0.0; 2] }
    }

    /// The next sample: xorshift64* through two poles.
    fn next(&mut self) -> f32 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let bits = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        let mut value = bits as f32 / (1 << 23) as f32 - 1.0;
        for pole in &mut self.poles {
            *pole += self.coefficient * (value - *pole);
            value = *pole;
        }
        // Compensates for the power that the poles remove, which depends on the rate.
        value * 1.6 / self.coefficient.sqrt()
    }
}

/// A WAV file of 16-bit PCM.
fn wav_file(layout: Layout, channels: &[Vec<f32>]) -> Vec<u8> {
    let frames = (0..channels[0].len()).flat_map(|index| channels.iter().map(move |channel| channel[index]));
    let samples: Vec<i16> = frames.map(|sample| (sample * 32_767.0).round() as i16).collect();
    test_kit::wav(layout.rate, layout.channels, &samples)
}

/// Writes the coded video, losslessly, at a size that every encoder takes. Column `b` is white above black where
/// bit `b` of the frame number is set, else black above white, so that a reader needs no threshold.
fn write_video(folder: &Path) -> PathBuf {
    let path = folder.join("source.mkv");
    let rate = 1_000.0 / FRAME_MS;
    let bit = r"mod(floor(N/pow(2\,X))\,2)";
    let graph = format!(
        "nullsrc=s={CODE_BITS}x2:r={rate}:d={SECONDS},format=gray,geq=lum=16+219*abs({bit}-Y),\
         scale=352:288:flags=neighbor,format=yuv420p,setsar=1"
    );
    ffmpeg(&["-f", "lavfi", "-i", &graph, "-c:v", "ffv1", path.to_str().unwrap()]).unwrap();
    path
}
