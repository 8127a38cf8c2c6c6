//! Logarithmic band magnitudes of the samples, frame by frame.

use crate::PowerSpectra;
use crate::math::log10;
use crate::simd::vectorized;

/// Frames per second of the onset function; the pulse uses every second one.
pub(super) const FRAMES_PER_SECOND: u32 = 200;
/// Length of the analysis window in seconds, rounded to a power of two in samples.
const WINDOW_SECONDS: f64 = 0.0232;
const BANDS_PER_OCTAVE: f64 = 12.0;
const LOWEST_HZ: f64 = 30.0;
const HIGHEST_HZ: f64 = 16_000.0;
/// Levels are log10(1 + GAIN·m), with m = 1 for a full-scale sine, so that quiet attacks count too.
const GAIN: f32 = 400.0;
/// Samples beyond this (+18 dBFS) are clipped, so that no sum overflows.
const MAX_SAMPLE: f32 = 8.0;
/// Streams with a higher sample rate are not analysed, because of the memory for their windows.
const HIGHEST_RATE: u32 = 1 << 20;

/// Splits a mono stream into overlapping windows and computes the logarithmic band magnitudes of each.
///
/// Frame `k` is centred on sample `k * hop`; half a window of silence precedes the stream.
pub(super) struct BandSpectrum {
    spectra: PowerSpectra,
    bands: Vec<Band>,
    hop: usize,
    /// Samples not yet consumed, from the start of the next frame's window.
    pending: Vec<f32>,
    /// Two frames are computed together.
    frames: [Frame; 2],
}

struct Frame {
    /// Magnitudes of the bins covered by bands.
    magnitudes: Vec<f32>,
    levels: Vec<f32>,
}

/// A triangular filter over consecutive bins.
struct Band {
    centre_hz: f64,
    first_bin: usize,
    weights: Vec<f32>,
}

impl Band {
    /// The end (exclusive) of its bins.
    fn end(&self) -> usize {
        self.first_bin + self.weights.len()
    }
}

impl BandSpectrum {
    /// For a stream of `rate` Hz; `None` if it is too low for two bands, or above [`HIGHEST_RATE`].
    pub(super) fn new(rate: u32) -> Option<Self> {
        if rate > HIGHEST_RATE {
            return None;
        }
        let hop = usize::try_from(rate / FRAMES_PER_SECOND).ok()?;
        let size = ((f64::from(rate) * WINDOW_SECONDS).log2().round().exp2() as usize).max(64);
        let bands = triangular_bands(rate, size);
        if hop == 0 || bands.len() < 2 {
            return None;
        }
        let hann = |i: usize| 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / size as f64).cos();
        // A Hann window sums to size/2; with this scale, a full-scale sine has magnitude 1.
        let window = (0..size).map(|i| (hann(i) * 4.0 / size as f64) as f32).collect();
        let bins = bands.last().map_or(0, Band::end);
        let frame = || Frame { magnitudes: vec![0.0; bins], levels: vec![0.0; bands.len()] };
        Some(Self {
            spectra: PowerSpectra::new(window),
            hop,
            pending: vec![0.0; size / 2],
            frames: [frame(), frame()],
            bands,
        })
    }

    /// Hop between frames in samples.
    pub(super) const fn hop(&self) -> usize {
        self.hop
    }

    /// Centre frequencies of the bands in Hz, ascending.
    pub(super) fn centres_hz(&self) -> impl Iterator<Item = f64> {
        self.bands.iter().map(|band| band.centre_hz)
    }

    /// Adds `mono` samples and passes the levels (one per band) of each frame to `sink`, whenever two more frames are
    /// complete.
    pub(super) fn push(&mut self, mut mono: &[f32], mut sink: impl FnMut(&[f32])) {
        let size = self.spectra.size();
        // In bounded slices, so that a whole recording in one call is not copied as a whole.
        while !mono.is_empty() {
            let (now, later) = mono.split_at(mono.len().min(32 * size));
            mono = later;
            let sample = |sample: &f32| sample.clamp(-MAX_SAMPLE, MAX_SAMPLE);
            self.pending.extend(now.iter().map(sample));
            let mut start = 0;
            while start + self.hop + size <= self.pending.len() {
                self.measure_pair(start);
                self.frames.iter().for_each(|frame| sink(&frame.levels));
                start += 2 * self.hop;
            }
            self.pending.drain(..start);
        }
    }

    /// Passes on the remaining frames that are centred within the stream, at its end.
    pub(super) fn finish(&mut self, mut sink: impl FnMut(&[f32])) {
        let size = self.spectra.size();
        self.push(&vec![0.0; size / 2], &mut sink);
        if self.pending.len() >= size {
            self.pending.resize(self.hop + size, 0.0);
            self.measure_pair(0);
            sink(&self.frames[0].levels);
        }
    }

    /// Measures the frame whose window starts at `start` in `pending`, and the next one.
    fn measure_pair(&mut self, start: usize) {
        let size = self.spectra.size();
        let windows = [start, start + self.hop].map(|start| &self.pending[start..start + size]);
        let [first, second] = &mut self.frames;
        self.spectra.of_pair(windows, [&mut first.magnitudes, &mut second.magnitudes]);
        self.frames.iter_mut().for_each(|frame| frame.measure(&self.bands));
    }
}

impl Frame {
    /// Converts powers, stored in `magnitudes`, to levels.
    fn measure(&mut self, bands: &[Band]) {
        let Self { magnitudes, levels } = self;
        vectorized(
            #[inline(always)]
            || magnitudes.iter_mut().for_each(|magnitude| *magnitude = magnitude.sqrt()),
        );
        for (level, band) in levels.iter_mut().zip(bands) {
            let bins = &magnitudes[band.first_bin..];
            let sum: f32 = band.weights.iter().zip(bins).map(|(weight, bin)| weight * bin).sum();
            *level = 1.0 + GAIN * sum;
        }
        vectorized(
            #[inline(always)]
            || levels.iter_mut().for_each(|level| *level = log10(*level)),
        );
    }
}

/// Triangles between neighbouring twelfths of an octave, at least one bin wide.
fn triangular_bands(rate: u32, size: usize) -> Vec<Band> {
    let bin_hz = f64::from(rate) / size as f64;
    let top = HIGHEST_HZ.min(0.49 * f64::from(rate));
    let mut edges: Vec<usize> = (0..)
        .map(|step| LOWEST_HZ * (f64::from(step) / BANDS_PER_OCTAVE).exp2())
        .take_while(|hz| *hz <= top)
        .map(|hz| (hz / bin_hz).round() as usize)
        .filter(|bin| *bin > 0)
        .collect();
    edges.dedup();
    edges
        .windows(3)
        .map(|edge| {
            let (left, centre, right) = (edge[0], edge[1], edge[2]);
            let weight = |bin: usize| {
                if bin <= centre {
                    (bin - left) as f32 / (centre - left) as f32
                } else {
                    (right - bin) as f32 / (right - centre) as f32
                }
            };
            Band {
                centre_hz: centre as f64 * bin_hz,
                first_bin: left + 1,
                weights: (left + 1..right).map(weight).collect(),
            }
        })
        .collect()
}
