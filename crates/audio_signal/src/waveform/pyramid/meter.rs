//! Makes the levels of a recording from its samples.

use media_decode::AudioFormat;

use super::{FACTOR, MAX_ENTRIES, MIN_BLOCK, PyramidLayout, WaveformPyramid};
use crate::simd::{WIDTH, total, vectorized};
use crate::waveform::{mean, of_float, of_integer};

/// Number of frames that are converted together.
const CHUNK: usize = 4_096;

/// Computes the levels of a stream of interleaved samples, in at most 8 MiB of memory.
#[derive(Clone, Debug)]
pub struct PyramidMeter {
    layout: PyramidLayout,
    /// Number of channels of the stream.
    inputs: usize,
    is_integer: bool,
    /// Complete blocks of the finest level, with all channels of a block together.
    entries: Vec<Entry>,
    /// The incomplete block, and its number of frames.
    open: Vec<OpenEntry>,
    filled: u32,
    /// The converted values of each channel, whole numbers.
    values: Vec<Vec<f32>>,
}

/// Lowest and highest value and the sum of the squares of a block.
#[derive(Clone, Copy, Debug)]
struct Entry {
    low: i16,
    high: i16,
    power: f32,
}

impl Entry {
    fn merge(self, other: Self) -> Self {
        let (low, high) = (self.low.min(other.low), self.high.max(other.high));
        Self { low, high, power: self.power + other.power }
    }

    fn merged(entries: impl Iterator<Item = Self>) -> Self {
        let none = Self { low: i16::MAX, high: i16::MIN, power: 0.0 };
        entries.fold(none, Self::merge)
    }
}

#[derive(Clone, Copy, Debug)]
struct OpenEntry {
    low: f32,
    high: f32,
    power: f64,
}

impl OpenEntry {
    #[inline(always)]
    fn extend(&mut self, values: &[f32]) {
        let (chunks, rest) = values.as_chunks::<WIDTH>();
        let (mut low, mut high, mut power) = ([self.low; WIDTH], [self.high; WIDTH], [0.0; WIDTH]);
        for chunk in chunks {
            let lanes = low.iter_mut().zip(&mut high).zip(power.iter_mut().zip(chunk));
            for ((low, high), (power, value)) in lanes {
                *low = lower(*low, *value);
                *high = higher(*high, *value);
                *power += value * value;
            }
        }
        self.low = rest.iter().copied().fold(reduce(low, lower), lower);
        self.high = rest.iter().copied().fold(reduce(high, higher), higher);
        self.power +=
            f64::from(total(&power)) + f64::from(rest.iter().map(|value| value * value).sum::<f32>());
    }
}

// `f32::min` and `f32::max` also handle NaN, which takes longer.
#[inline(always)]
fn lower(a: f32, b: f32) -> f32 {
    if b < a { b } else { a }
}

#[inline(always)]
fn higher(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// Combines all lanes, halves first, as vectors are.
#[inline(always)]
fn reduce(lanes: [f32; WIDTH], combine: impl Fn(f32, f32) -> f32) -> f32 {
    let quarters: [f32; WIDTH / 4] = std::array::from_fn(|lane| {
        let [first, second] = [lane, lane + 8].map(|lane| combine(lanes[lane], lanes[lane + 4]));
        combine(first, second)
    });
    combine(combine(quarters[0], quarters[2]), combine(quarters[1], quarters[3]))
}

const EMPTY: OpenEntry = OpenEntry { low: f32::INFINITY, high: f32::NEG_INFINITY, power: 0.0 };

impl PyramidMeter {
    /// A meter at the start of a stream with this format, of each channel or of their mix.
    #[must_use]
    pub fn new(format: &AudioFormat, split_channels: bool) -> Self {
        let inputs = format.channels();
        let channels = if split_channels { inputs } else { 1 };
        Self {
            layout: PyramidLayout { rate: format.rate, channels, block: MIN_BLOCK, frames: 0 },
            inputs,
            is_integer: format.is_integer(),
            entries: Vec::new(),
            open: vec![EMPTY; channels],
            filled: 0,
            values: vec![Vec::new(); channels],
        }
    }

    /// Adds whole frames of interleaved, finite samples; the result does not depend on how they are split into calls.
    pub fn push(&mut self, interleaved: &[f32]) {
        for part in interleaved.chunks(CHUNK * self.inputs) {
            vectorized(
                #[inline(always)]
                || {
                    match self.is_integer {
                        true => self.convert(part, of_integer),
                        false => self.convert(part, of_float),
                    }
                    self.extend(part.len() / self.inputs);
                },
            );
        }
    }

    /// Ends the stream; `None` without samples.
    #[must_use]
    pub fn finish(mut self) -> Option<WaveformPyramid> {
        if self.filled > 0 {
            self.complete();
        }
        if self.layout.frames == 0 {
            return None;
        }
        let Self { layout, mut entries, .. } = self;
        let mut bytes = layout.header();
        bytes.reserve((layout.size() - WaveformPyramid::HEADER_BYTES) as usize);
        for level in 0..layout.levels() {
            if level > 0 {
                entries = coarser(&entries, layout.channels);
            }
            let last = layout.blocks(level) - 1;
            for (block, entries) in entries.chunks(layout.channels).enumerate() {
                let length = layout.block_frames(level);
                let length = if block as u64 == last { layout.frames - last * length } else { length };
                for entry in entries {
                    let rms = (f64::from(entry.power) / length as f64).sqrt().round() as u16;
                    bytes.extend_from_slice(&entry.low.to_le_bytes());
                    bytes.extend_from_slice(&entry.high.to_le_bytes());
                    bytes.extend_from_slice(&rms.to_le_bytes());
                }
            }
        }
        Some(WaveformPyramid(bytes))
    }

    /// Converts samples to `values`.
    #[inline(always)]
    fn convert(&mut self, interleaved: &[f32], integer: impl Fn(f32) -> f32) {
        let (inputs, channels) = (self.inputs, self.values.len());
        for (channel, values) in self.values.iter_mut().enumerate() {
            values.clear();
            // The common cases are handled separately, so that the compiler knows the layout of the samples.
            match (inputs, channels) {
                (1, _) => values.extend(interleaved.iter().map(|sample| integer(*sample))),
                (2, 1) => {
                    let frames = interleaved.as_chunks::<2>().0;
                    values
                        .extend(frames.iter().map(|[left, right]| mean(integer(*left) + integer(*right), 2)));
                }
                (_, 1) => {
                    let sum = |frame: &[f32]| frame.iter().map(|sample| integer(*sample)).sum();
                    values.extend(interleaved.chunks_exact(inputs).map(|frame| mean(sum(frame), inputs)));
                }
                _ => {
                    let samples = interleaved.iter().skip(channel).step_by(inputs);
                    values.extend(samples.map(|sample| integer(*sample)));
                }
            }
        }
    }

    /// Adds the frames in `values` to the blocks.
    #[inline(always)]
    fn extend(&mut self, frames: usize) {
        let mut at = 0;
        while at < frames {
            let count = ((self.layout.block - self.filled) as usize).min(frames - at);
            for (values, open) in self.values.iter().zip(&mut self.open) {
                open.extend(&values[at..at + count]);
            }
            at += count;
            // At most the length of a block.
            self.filled += count as u32;
            self.layout.frames += count as u64;
            if self.filled == self.layout.block {
                self.complete();
            }
        }
    }

    fn complete(&mut self) {
        // Every value has 16 bits or is a mean of such values.
        let entry = |open: &OpenEntry| Entry {
            low: open.low as i16,
            high: open.high as i16,
            power: open.power as f32,
        };
        self.entries.extend(self.open.iter().map(entry));
        self.open.fill(EMPTY);
        self.filled = 0;
        let channels = self.layout.channels;
        if self.entries.len() / channels >= MAX_ENTRIES / channels / 2 * 2 {
            // An even number of blocks.
            for block in 0..self.entries.len() / channels / 2 {
                for channel in 0..channels {
                    let [first, second] =
                        [2 * block, 2 * block + 1].map(|at| self.entries[at * channels + channel]);
                    self.entries[block * channels + channel] = first.merge(second);
                }
            }
            self.entries.truncate(self.entries.len() / channels / 2 * channels);
            self.layout.block *= 2;
        }
    }
}

/// The blocks of the next level.
fn coarser(entries: &[Entry], channels: usize) -> Vec<Entry> {
    let blocks = entries.chunks(channels * FACTOR as usize);
    let merged = |blocks: &[Entry], channel: usize| {
        Entry::merged(blocks.iter().skip(channel).step_by(channels).copied())
    };
    blocks.flat_map(|blocks| (0..channels).map(move |channel| merged(blocks, channel))).collect()
}
