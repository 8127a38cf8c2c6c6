//! Peaks and levels of a recording at several resolutions, of which any window is read by one range of bytes.
//!
//! # Format
//!
//! A header of 32 bytes: `HBPYRAM1`, then sample rate, channels, frames per block of the finest level (32 bits each) and the
//! number of frames (64 bits), zeros. Then the levels, the finest first: each block has, for each channel, the lowest and the
//! highest 16-bit value and the RMS value, 2 bytes each. A block of a level consists of four of the level before; the last
//! one may be shorter. All numbers are little-endian. Values are those of [`Waveform`](super::Waveform).

mod layout;
mod meter;

pub use self::layout::{PyramidLayout, PyramidSelection, WaveformWindow};
pub use self::meter::PyramidMeter;

/// Length of the header in bytes, and its first bytes.
const HEADER: usize = 32;
const MAGIC: &[u8; 8] = b"HBPYRAM1";
/// Bytes of the values of a channel in a block.
const ENTRY: u64 = 6;
/// Frames per block of the finest level of a short recording; doubled as long as there are too many blocks.
const MIN_BLOCK: u32 = 64;
/// Maximum number of blocks of the finest level, times channels: 8 MiB for all levels.
const MAX_ENTRIES: usize = 1 << 20;
/// Blocks of a level in one of the next.
const FACTOR: u64 = 4;

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

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use media_decode::AudioFormat;
    use proptest::prelude::*;
    use symphonia::core::audio::Channels;

    use super::layout::READ_ENTRIES;
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
