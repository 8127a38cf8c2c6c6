//! Landmarks: constellations of three peaks, hashed.

use std::collections::VecDeque;

use crate::peaks::{Peak, PeakPicker};
use crate::shape::{MAX_SPAN, Shape, is_target};
use crate::spectrum::Spectrogram;

/// Version of the landmarks. Those of different versions do not match: an index has to be made again.
pub const FINGERPRINT_VERSION: u32 = 2;
/// Greatest number of landmarks for each second of audio, over spans of 2 s.
pub const MAX_LANDMARKS_PER_SECOND: usize = 60;

/// Peaks of landmarks have fewer than this many stronger ones within 0.4 s on either side.
const MAX_RANK: u32 = 24;
/// Each two of this many peaks after the first one are a landmark.
const TARGETS: usize = 3;
/// Frames of a span whose landmarks are counted: 2 s.
const SPAN_FRAMES: u32 = 125;

/// A point of a recording that can be found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Landmark {
    /// Frequencies and distances in time of its peaks.
    pub hash: u32,
    /// Frame of its first peak, of [`crate::FRAME_SAMPLES`] samples.
    pub frame: u32,
}

/// Makes the landmarks of a stream of mono samples at [`crate::RATE`] Hz.
///
/// The result does not depend on how the stream is split into calls. Memory is 250 KiB, and 8 bytes for each landmark
/// that was not [drained](Self::drain).
///
/// # Examples
///
/// ```
/// use audio_fingerprint::Fingerprinter;
///
/// // Notes of a quarter of a second.
/// let note = |n: u32| 220.0 * (((n / 4_000 * 7) % 12) as f32 / 12.0).exp2();
/// let samples: Vec<f32> =
///     (0..64_000).map(|n| 0.3 * (n as f32 * note(n) * std::f32::consts::TAU / 16_000.0).sin()).collect();
/// let mut fingerprinter = Fingerprinter::new();
/// samples.chunks(1_000).for_each(|block| fingerprinter.push(block));
/// let landmarks = fingerprinter.finish();
/// assert!(landmarks.len() > 10 && landmarks.is_sorted_by_key(|landmark| landmark.frame));
/// ```
pub struct Fingerprinter {
    spectrogram: Spectrogram,
    picker: PeakPicker,
    assembler: Assembler,
}

impl Default for Fingerprinter {
    fn default() -> Self {
        Self::new()
    }
}

impl Fingerprinter {
    /// At the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self {
            spectrogram: Spectrogram::new(),
            picker: PeakPicker::new(MAX_RANK),
            assembler: Assembler::default(),
        }
    }

    /// Adds samples. Those that are not finite count as 0.
    pub fn push(&mut self, samples: &[f32]) {
        self.push_sharing(samples, |_| ());
    }

    /// As [`Self::push`], and passes the power spectra of each two odd frames, in order, to `odd`: those of Hann windows of
    /// 1 024 samples, the first one centred on sample 256, 512 apart ([`spectra::PowerSpectra::of_hann`], without the
    /// highest bin).
    pub fn push_sharing(&mut self, samples: &[f32], odd: impl FnMut([&[f32]; 2])) {
        let Self { spectrogram, picker, assembler } = self;
        spectrogram.push(samples, odd, |levels| picker.push(levels, |peak| assembler.push(peak)));
    }

    /// Removes and returns the landmarks that are complete, in order of frame and hash.
    pub fn drain(&mut self) -> Vec<Landmark> {
        std::mem::take(&mut self.assembler.landmarks)
    }

    /// The remaining landmarks, in order of frame and hash.
    #[must_use]
    pub fn finish(self) -> Vec<Landmark> {
        self.finish_sharing(|_| ())
    }

    /// As [`Self::finish`], with the spectra as of [`Self::push_sharing`]: all that begin before the end of the stream.
    #[must_use]
    pub fn finish_sharing(self, odd: impl FnMut([&[f32]; 2])) -> Vec<Landmark> {
        let Self { spectrogram, mut picker, mut assembler } = self;
        spectrogram.finish(odd, |levels| picker.push(levels, |peak| assembler.push(peak)));
        picker.finish(|peak| assembler.push(peak));
        assembler.finish()
    }
}

/// Joins peaks to landmarks.
#[derive(Default)]
struct Assembler {
    /// Peaks that can be first ones, oldest first, and those after them.
    peaks: VecDeque<Peak>,
    /// Landmarks of the current span, each with the rank of its weakest peak.
    span: Vec<(u32, Landmark)>,
    landmarks: Vec<Landmark>,
}

impl Assembler {
    /// Adds a peak, in order of frames.
    fn push(&mut self, peak: Peak) {
        while self.peaks.front().is_some_and(|first| first.frame + MAX_SPAN < peak.frame) {
            self.join_first();
        }
        self.peaks.push_back(peak);
    }

    /// Makes the landmarks of the oldest peak, all of whose targets are known.
    fn join_first(&mut self) {
        let Some(first) = self.peaks.pop_front() else { return };
        if self.span.first().is_some_and(|(_, other)| other.frame / SPAN_FRAMES != first.frame / SPAN_FRAMES)
        {
            self.end_span();
        }
        let targets: Vec<&Peak> =
            self.peaks.iter().filter(|peak| is_target(&first, peak)).take(TARGETS).collect();
        for (index, &a) in targets.iter().enumerate() {
            for &b in &targets[index + 1..] {
                let hash = Shape::of(&first, [a, b]).hash();
                let rank = first.rank.max(a.rank).max(b.rank);
                self.span.push((rank, Landmark { hash, frame: first.frame }));
            }
        }
    }

    /// Keeps the strongest landmarks of the span.
    fn end_span(&mut self) {
        self.span.sort_unstable();
        self.span.truncate(MAX_LANDMARKS_PER_SECOND * 2);
        let start = self.landmarks.len();
        self.landmarks.extend(self.span.drain(..).map(|(_, landmark)| landmark));
        self.landmarks[start..].sort_unstable_by_key(|landmark| (landmark.frame, landmark.hash));
    }

    fn finish(mut self) -> Vec<Landmark> {
        while !self.peaks.is_empty() {
            self.join_first();
        }
        self.end_span();
        self.landmarks
    }
}
