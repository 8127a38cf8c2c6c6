//! Where the levels are in the bytes of a pyramid, and the points of a window.

use std::ops::Range;

use media_decode::AudioFormat;

use super::{ENTRY, FACTOR, HEADER, MAGIC, MAX_ENTRIES, MIN_BLOCK, WaveformPyramid};

/// There are no coarser levels than the first with at most so many entries.
const COARSEST: u64 = 1_024;
/// A selection reads at most this many entries, or [`PER_POINT`] for each point if this is more.
pub(super) const READ_ENTRIES: u64 = 1 << 17;
const PER_POINT: u64 = 4;

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

    pub(super) fn header(&self) -> Vec<u8> {
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

    pub(super) fn levels(&self) -> u32 {
        let is_coarsest = |level: &u32| self.entries(*level) <= COARSEST || self.blocks(*level) == 1;
        (0..).find(is_coarsest).unwrap_or_default() + 1
    }

    /// Number of frames per block of a level.
    pub(super) fn block_frames(&self, level: u32) -> u64 {
        u64::from(self.block).saturating_mul(FACTOR.saturating_pow(level))
    }

    pub(super) fn blocks(&self, level: u32) -> u64 {
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
