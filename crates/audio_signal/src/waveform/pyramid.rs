//! Peaks and levels of a recording at several resolutions, of which any window is read by one range of bytes.
//!
//! # Format
//!
//! A header of 32 bytes: `HBPYRAM1`, then sample rate, channels, frames per block of the finest level (32 bits each) and the
//! number of frames (64 bits), zeros. Then the levels, the finest first: each block has, for each channel, the lowest and the
//! highest 16-bit value and the RMS value, 2 bytes each. A block of a level consists of four of the level before; the last
//! one may be shorter. All numbers are little-endian. Values are those of [`Waveform`](super::Waveform).

use std::ops::Range;

use media_decode::AudioFormat;

use super::{of_float, of_integer};
use crate::simd::{WIDTH, total, vectorized};

/// Length of the header in bytes, and its first bytes.
const HEADER: usize = 32;
const MAGIC: &[u8; 8] = b"HBPYRAM1";
/// Bytes of the values of a channel in a block.
const ENTRY: u64 = 6;
/// Frames per block of the finest level of a short recording; doubled as long as there are too many blocks.
const MIN_BLOCK: u32 = 64;
/// Maximum number of blocks of the finest level, times channels: 8 MiB for all levels.
const MAX_ENTRIES: usize = 1 << 20;
/// Number of frames that are converted together.
const CHUNK: usize = 4_096;
/// Blocks of a level in one of the next.
const FACTOR: u64 = 4;
/// There are no coarser levels than the first with at most so many entries.
const COARSEST: u64 = 1_024;
/// A selection reads at most this many entries, or [`PER_POINT`] for each point if this is more.
const READ_ENTRIES: u64 = 1 << 17;
const PER_POINT: u64 = 4;

/// The bytes of the levels of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaveformPyramid(Vec<u8>);

impl WaveformPyramid {
    /// Version of the values, incremented when the same recording may give others.
    pub const VERSION: i16 = 1;
    /// Length of the header in bytes.
    pub const HEADER_BYTES: u64 = HEADER as u64;

    /// The bytes, to be stored.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

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
    /// The converted values of each channel.
    values: Vec<Vec<i32>>,
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
    low: i32,
    high: i32,
    power: f64,
}

impl OpenEntry {
    #[inline(always)]
    fn extend(&mut self, values: &[i32]) {
        let (chunks, rest) = values.as_chunks::<WIDTH>();
        let (mut low, mut high, mut power) = ([i32::MAX; WIDTH], [i32::MIN; WIDTH], [0.0; WIDTH]);
        for chunk in chunks {
            let lanes = low.iter_mut().zip(&mut high).zip(power.iter_mut().zip(chunk));
            for ((low, high), (power, value)) in lanes {
                *low = (*low).min(*value);
                *high = (*high).max(*value);
                *power += square(*value);
            }
        }
        self.low = low.iter().chain(rest).fold(self.low, |low, value| low.min(*value));
        self.high = high.iter().chain(rest).fold(self.high, |high, value| high.max(*value));
        self.power +=
            f64::from(total(&power)) + f64::from(rest.iter().map(|value| square(*value)).sum::<f32>());
    }
}

#[inline(always)]
fn square(value: i32) -> f32 {
    let value = value as f32;
    value * value
}

const EMPTY: OpenEntry = OpenEntry { low: i32::MAX, high: i32::MIN, power: 0.0 };

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
                || match self.is_integer {
                    true => self.convert(part, of_integer),
                    false => self.convert(part, of_float),
                },
            );
            self.extend(part.len() / self.inputs);
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
    fn convert(&mut self, interleaved: &[f32], integer: impl Fn(f32) -> i32) {
        let (inputs, channels) = (self.inputs, self.values.len());
        for (channel, values) in self.values.iter_mut().enumerate() {
            values.clear();
            // The common cases are handled separately, so that the compiler knows the layout of the samples.
            match (inputs, channels) {
                (1, _) => values.extend(interleaved.iter().map(|sample| integer(*sample))),
                (2, 1) => {
                    let frames = interleaved.as_chunks::<2>().0;
                    values.extend(frames.iter().map(|[left, right]| (integer(*left) + integer(*right)) / 2));
                }
                (_, 1) => {
                    let sum = |frame: &[f32]| frame.iter().map(|sample| integer(*sample)).sum::<i32>();
                    // At most `AudioFormat::MAX_CHANNELS`.
                    let frames = interleaved.chunks_exact(inputs);
                    values.extend(frames.map(|frame| sum(frame) / inputs as i32));
                }
                _ => {
                    let samples = interleaved.iter().skip(channel).step_by(inputs);
                    values.extend(samples.map(|sample| integer(*sample)));
                }
            }
        }
    }

    /// Adds the frames in `values` to the blocks.
    fn extend(&mut self, frames: usize) {
        let mut at = 0;
        while at < frames {
            let count = ((self.layout.block - self.filled) as usize).min(frames - at);
            let Self { values, open, .. } = self;
            vectorized(
                #[inline(always)]
                || {
                    for (values, open) in values.iter().zip(open) {
                        open.extend(&values[at..at + count]);
                    }
                },
            );
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

/// The header: where the levels of a [`WaveformPyramid`] are in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PyramidLayout {
    /// Sample rate in Hz.
    pub rate: u32,
    /// Number of channels; 1 for a mix.
    pub channels: usize,
    /// Frames per block of the finest level.
    pub block: u32,
    /// Length of the recording in frames.
    pub frames: u64,
}

impl PyramidLayout {
    /// Reads the header of a pyramid; `None` for any other bytes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.get(..HEADER)?.strip_prefix(MAGIC)?;
        let (fields, rest) = rest.split_first_chunk::<12>()?;
        let field = |index: usize| Some(u32::from_le_bytes(*fields.get(4 * index..)?.first_chunk::<4>()?));
        let (rate, channels, block) = (field(0)?, field(1)? as usize, field(2)?);
        let frames = u64::from_le_bytes(*rest.first_chunk::<8>()?);
        let layout = Self { rate, channels, block, frames };
        let is_supported =
            AudioFormat::RATES.contains(&rate) && (1..=AudioFormat::MAX_CHANNELS).contains(&channels);
        let is_pyramid = block.is_power_of_two() && block >= MIN_BLOCK && frames > 0;
        (is_supported && is_pyramid && layout.entries(0) <= MAX_ENTRIES as u64).then_some(layout)
    }

    fn header(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for field in [self.rate, self.channels as u32, self.block] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes.extend_from_slice(&self.frames.to_le_bytes());
        bytes.resize(HEADER, 0);
        bytes
    }

    /// Length of the pyramid in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.offset(self.levels())
    }

    /// The points of a window of the recording (in frames): at most `points`, each of whole blocks of the finest level that
    /// gives enough of them and is not read in more than 128 Ki entries. The window is extended to whole blocks. `None` if it
    /// is empty or begins after the end, or for no points.
    #[must_use]
    pub fn select(&self, window: Range<u64>, points: u32) -> Option<PyramidSelection> {
        let end = window.end.min(self.frames);
        if window.start >= end || points == 0 {
            return None;
        }
        let most = READ_ENTRIES.max(PER_POINT * u64::from(points) * self.channels as u64);
        let blocks = |level: u32| {
            let length = self.block_frames(level);
            window.start / length..end.div_ceil(length)
        };
        let entries = |level: u32| (blocks(level).end - blocks(level).start) * self.channels as u64;
        let coarsest = self.levels() - 1;
        let level = (0..coarsest).find(|level| entries(*level) <= most).unwrap_or(coarsest);
        let blocks = blocks(level);
        let points = u64::from(points).min(blocks.end - blocks.start);
        Some(PyramidSelection { layout: *self, level, blocks, points })
    }

    fn levels(&self) -> u32 {
        let is_coarsest = |level: &u32| self.entries(*level) <= COARSEST || self.blocks(*level) == 1;
        (0..).find(is_coarsest).unwrap_or_default() + 1
    }

    /// Number of frames per block of a level.
    fn block_frames(&self, level: u32) -> u64 {
        u64::from(self.block).saturating_mul(FACTOR.saturating_pow(level))
    }

    fn blocks(&self, level: u32) -> u64 {
        self.frames.div_ceil(self.block_frames(level))
    }

    fn entries(&self, level: u32) -> u64 {
        self.blocks(level).saturating_mul(self.channels as u64)
    }

    /// Position of a level in bytes.
    fn offset(&self, level: u32) -> u64 {
        WaveformPyramid::HEADER_BYTES + ENTRY * (0..level).map(|level| self.entries(level)).sum::<u64>()
    }
}

/// A range of blocks of one level, and the points to make of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PyramidSelection {
    layout: PyramidLayout,
    level: u32,
    blocks: Range<u64>,
    /// At least one, at most the number of blocks.
    points: u64,
}

impl PyramidSelection {
    /// The bytes of the pyramid to read.
    #[must_use]
    pub fn bytes(&self) -> Range<u64> {
        let at = |block: u64| self.layout.offset(self.level) + block * ENTRY * self.layout.channels as u64;
        at(self.blocks.start)..at(self.blocks.end)
    }

    /// The frames of all points: the window, extended to whole blocks.
    #[must_use]
    pub fn frames(&self) -> Range<u64> {
        self.first_frame(self.blocks.start)..self.first_frame(self.blocks.end)
    }

    /// Computes the points from [`bytes`](Self::bytes); `None` for another number of bytes.
    #[must_use]
    pub fn read(&self, bytes: &[u8]) -> Option<WaveformWindow> {
        let PyramidLayout { channels, rate, .. } = self.layout;
        let (entries, rest) = bytes.as_chunks::<{ ENTRY as usize }>();
        let count = self.blocks.end - self.blocks.start;
        if !rest.is_empty() || entries.len() as u64 != count * channels as u64 {
            return None;
        }
        let mut window = WaveformWindow {
            rate,
            channels,
            frames: self.frames(),
            block_frames: self.layout.block_frames(self.level),
            peaks: Vec::with_capacity(self.points as usize * 2 * channels),
            rms: Vec::with_capacity(self.points as usize * channels),
        };
        for point in 0..self.points {
            let blocks = point * count / self.points..(point + 1) * count / self.points;
            for channel in 0..channels {
                let (mut low, mut high, mut power) = (i16::MAX, i16::MIN, 0);
                for block in blocks.clone() {
                    let [a, b, c, d, e, f] = entries[block as usize * channels + channel];
                    low = low.min(i16::from_le_bytes([a, b]));
                    high = high.max(i16::from_le_bytes([c, d]));
                    let rms = u64::from(u16::from_le_bytes([e, f]));
                    power += rms * rms * self.length(self.blocks.start + block);
                }
                let length = self.first_frame(self.blocks.start + blocks.end)
                    - self.first_frame(self.blocks.start + blocks.start);
                window.peaks.extend([low, high]);
                window.rms.push((power as f64 / length as f64).sqrt().round() as u16);
            }
        }
        Some(window)
    }

    /// The frame at which a block begins; the end of the recording after the last one.
    fn first_frame(&self, block: u64) -> u64 {
        (block * self.layout.block_frames(self.level)).min(self.layout.frames)
    }

    fn length(&self, block: u64) -> u64 {
        self.first_frame(block + 1) - self.first_frame(block)
    }
}

/// Peaks and RMS values of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaveformWindow {
    /// Sample rate in Hz.
    pub rate: u32,
    /// Number of channels; 1 for a mix.
    pub channels: usize,
    /// The frames of all points. With `b` blocks in them, point `i` of `n` begins at block `i × b / n`, rounded down.
    pub frames: Range<u64>,
    /// Frames per block.
    pub block_frames: u64,
    /// The lowest and the highest 16-bit value of each channel, point by point: `2 × channels` values per point.
    pub peaks: Vec<i16>,
    /// The RMS value of each channel, point by point; 32 768 is full scale.
    pub rms: Vec<u16>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use symphonia::core::audio::Channels;

    use super::*;

    const RATE: u32 = 8_000;

    fn format(channels: u16) -> AudioFormat {
        AudioFormat { rate: RATE, layout: Channels::Discrete(channels), codec: "flac".to_owned() }
    }

    /// 16-bit values of noise with a slow swell, interleaved.
    fn values(count: usize, seed: u32) -> Vec<i32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            i32::from((state >> 16) as u16 as i16)
        };
        (0..count).map(|n| next() / (1 + (n / 5_000 % 7) as i32)).collect()
    }

    fn pyramid(values: &[i32], channels: u16, split: bool, chunk: usize) -> Vec<u8> {
        let samples: Vec<f32> = values.iter().map(|value| *value as f32 / 32_768.0).collect();
        let mut meter = PyramidMeter::new(&format(channels), split);
        samples.chunks(chunk * usize::from(channels)).for_each(|part| meter.push(part));
        meter.finish().unwrap().into_bytes()
    }

    /// The answer to a window, and what it should be by a direct computation on the values of its frames.
    fn compare(bytes: &[u8], outputs: &[Vec<i32>], window: Range<u64>, points: u32) -> WaveformWindow {
        let layout = PyramidLayout::parse(&bytes[..HEADER]).unwrap();
        assert_eq!(layout.size(), bytes.len() as u64);
        let selection = layout.select(window.clone(), points).unwrap();
        let range = selection.bytes();
        let found = selection.read(&bytes[range.start as usize..range.end as usize]).unwrap();
        let count = (found.frames.end - found.frames.start).div_ceil(found.block_frames);
        let length = found.rms.len() / outputs.len();
        assert_eq!(length as u64, count.min(points.into()));
        assert!(found.frames.start <= window.start && window.start < found.frames.start + found.block_frames);
        assert!(window.end.min(layout.frames) <= found.frames.end);
        assert!(found.frames.end < window.end + found.block_frames);
        for point in 0..length {
            let frame = |point: usize| {
                let block = point as u64 * count / length as u64;
                (found.frames.start + block * found.block_frames).min(found.frames.end) as usize
            };
            for (channel, output) in outputs.iter().enumerate() {
                let own = &output[frame(point)..frame(point + 1)];
                let at = point * outputs.len() + channel;
                let peaks = [found.peaks[2 * at], found.peaks[2 * at + 1]].map(i32::from);
                assert_eq!(peaks, [*own.iter().min().unwrap(), *own.iter().max().unwrap()], "point {point}");
                let power: f64 = own.iter().map(|value| f64::from(*value).powi(2)).sum();
                let rms = (power / own.len() as f64).sqrt();
                assert!((f64::from(found.rms[at]) - rms).abs() <= 1.0, "{} {rms}", found.rms[at]);
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn windows_equal_a_direct_computation(
            frames in 1_usize..60_000, start in 0.0..1.0, length in 0.0..1.2, points in 1_u32..700, seed: u32,
            chunk in 1_usize..5_000,
        ) {
            let values = values(frames, seed);
            let bytes = pyramid(&values, 1, false, chunk);
            let start = (start * frames as f64) as u64;
            let end = start + 1 + (length * frames as f64) as u64;
            compare(&bytes, &[values], start..end, points);
        }
    }

    #[test]
    fn channels_are_mixed_or_split_as_in_whole_waveforms() {
        let values = values(2 * 9_999, 3);
        let [left, right] =
            [0, 1].map(|channel| values.iter().skip(channel).step_by(2).copied().collect::<Vec<_>>());
        let mix: Vec<i32> = left.iter().zip(&right).map(|(left, right)| (left + right) / 2).collect();
        compare(&pyramid(&values, 2, false, 100), &[mix], 5..9_000, 50);
        compare(&pyramid(&values, 2, true, 100), &[left, right], 5..9_000, 50);
    }

    #[test]
    fn long_recordings_have_longer_blocks_and_bounded_reads() {
        let frames = 64 * MAX_ENTRIES + 12_345;
        let mut meter = PyramidMeter::new(&format(1), false);
        // One sample of full scale in the middle.
        let middle = frames / 2;
        let block = vec![0.0; 1 << 16];
        for start in (0..frames).step_by(block.len()) {
            let mut block = block[..block.len().min(frames - start)].to_vec();
            if (start..start + block.len()).contains(&middle) {
                block[middle - start] = -1.0;
            }
            meter.push(&block);
        }
        let bytes = meter.finish().unwrap().into_bytes();
        assert!(bytes.len() <= 8 << 20, "{} bytes", bytes.len());
        let layout = PyramidLayout::parse(&bytes).unwrap();
        assert_eq!((layout.block, layout.frames), (128, frames as u64));
        for points in [1, 1_000, 10_000] {
            let selection = layout.select(0..frames as u64, points).unwrap();
            let range = selection.bytes();
            assert!(range.end - range.start <= ENTRY * READ_ENTRIES);
            let found = selection.read(&bytes[range.start as usize..range.end as usize]).unwrap();
            let at = found.peaks.iter().step_by(2).position(|low| *low == i16::MIN).unwrap();
            assert_eq!((found.rms.len(), at), (points as usize, points as usize / 2));
        }
    }

    #[test]
    fn other_bytes_and_windows_are_rejected() {
        let bytes = pyramid(&values(1_000, 1), 1, false, 100);
        let layout = PyramidLayout::parse(&bytes).unwrap();
        assert_eq!(layout.select(1_000..2_000, 5), None);
        assert_eq!(layout.select(7..7, 5), None);
        assert_eq!(layout.select(0..10, 0), None);
        let selection = layout.select(0..1_000, 5).unwrap();
        let range = selection.bytes();
        assert_eq!(selection.read(&bytes[range.start as usize..range.end as usize - 1]), None);
        for cut in 0..HEADER {
            assert_eq!(PyramidLayout::parse(&bytes[..cut]), None);
        }
        for (at, value) in [(0, b'x'), (9, 0), (12, 0), (16, 65), (26, 255)] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            assert_eq!(PyramidLayout::parse(&bytes), None, "byte {at}");
        }
        assert_eq!(PyramidMeter::new(&format(1), false).finish(), None);
    }
}
