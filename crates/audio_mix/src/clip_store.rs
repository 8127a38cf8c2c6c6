//! Windows of recordings as stereo samples in one temporary file.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use audio_signal::StereoResampler;
use media_decode::{DecodeError, Decoder, MediaInput};

use crate::mix::write_samples;
use crate::{CHANNELS, MixError, RATE};

/// Size of a frame of 32-bit samples, in bytes.
pub(crate) const FRAME_BYTES: u64 = 4 * CHANNELS as u64;

/// Frames that are copied at once.
const BLOCK: u64 = 8_192;

/// Windows of recordings, decoded to stereo at [`RATE`], in one temporary file.
///
/// Frame n of a source is its signal at n / [`RATE`] s of the recording's own time.
#[derive(Debug)]
pub struct ClipStore {
    file: File,
    /// Frames in the file.
    length: u64,
    sources: Vec<Vec<StoredWindow>>,
}

/// A window of a source in the file.
#[derive(Debug)]
struct StoredWindow {
    /// The stored frames of the source; fewer than requested if the recording ends before.
    frames: Range<u64>,
    /// Position of its first frame in the file, in frames.
    position: u64,
}

impl ClipStore {
    /// A store without sources that writes to the empty `file`.
    #[must_use]
    pub const fn new(file: File) -> Self {
        Self { file, length: 0, sources: Vec::new() }
    }

    /// Decodes a recording from its start to the end of the last of `windows`, which are ranges of its frames at [`RATE`],
    /// and stores these windows. Returns the index of the source.
    ///
    /// # Errors
    /// [`MixError::Decode`] for a recording without audio that can be decoded, or when `cancelled`; [`MixError::Io`].
    pub fn add(
        &mut self,
        input: &MediaInput,
        windows: impl IntoIterator<Item = Range<u64>>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<usize, MixError> {
        let windows = merged(windows);
        let mut stored = Vec::with_capacity(windows.len());
        let mut decoder = input.decoder()?;
        let mut reader = FrameReader::new(&mut decoder)?;
        for window in windows {
            stored.push(self.store(&mut reader, window, cancelled)?);
        }
        self.sources.push(stored);
        Ok(self.sources.len() - 1)
    }

    fn store(
        &mut self,
        reader: &mut FrameReader<'_>,
        window: Range<u64>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<StoredWindow, MixError> {
        let position = self.length;
        let mut at = window.start;
        while at < window.end {
            if cancelled() {
                return Err(DecodeError::Cancelled.into());
            }
            let Some((first, frames)) = reader.next_from(at)? else { break };
            // The decoded block may begin before the window and extend beyond it.
            let count = (frames.len() as u64 / CHANNELS as u64).min(window.end - first);
            let samples = &frames[..count as usize * CHANNELS];
            write_samples(&mut self.file, samples, 1.0)?;
            self.length += count;
            at = first + count;
            reader.keep_from(at);
        }
        Ok(StoredWindow { frames: window.start..at, position })
    }

    /// Number of frames in the file.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.length
    }

    /// Adds a source of frames at [`RATE`] that begin at 0: interleaved 32-bit floats, little endian. Returns its index.
    ///
    /// # Errors
    /// [`MixError::Io`]; [`MixError::Decode`] when `cancelled`.
    pub fn add_frames(
        &mut self,
        mut frames: impl Read,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<usize, MixError> {
        let position = self.length;
        let mut bytes = vec![0; 64 << 10];
        let mut filled = 0;
        loop {
            if cancelled() {
                return Err(DecodeError::Cancelled.into());
            }
            let count = frames.read(&mut bytes[filled..])?;
            filled += count;
            let whole = filled - filled % FRAME_BYTES as usize;
            self.file.write_all(&bytes[..whole])?;
            self.length += whole as u64 / FRAME_BYTES;
            bytes.copy_within(whole..filled, 0);
            filled -= whole;
            if count == 0 {
                break;
            }
        }
        self.sources.push(vec![StoredWindow { frames: 0..self.length - position, position }]);
        Ok(self.sources.len() - 1)
    }

    /// Writes frames of a source as [`ClipStore::add_frames`] reads them; what is not stored is silent.
    ///
    /// # Errors
    /// [`MixError::Io`]; [`MixError::Decode`] when `cancelled`.
    pub fn write_frames(
        &self,
        source: usize,
        frames: Range<u64>,
        out: &mut impl io::Write,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), MixError> {
        let mut samples = Vec::new();
        let mut at = frames.start;
        while at < frames.end {
            if cancelled() {
                return Err(DecodeError::Cancelled.into());
            }
            let count = (frames.end - at).min(BLOCK);
            samples.resize(count as usize * CHANNELS, 0.0);
            self.read(source, at, &mut samples)?;
            write_samples(out, &samples, 1.0)?;
            at += count;
        }
        Ok(())
    }

    /// Reads frames of a source from frame `start` on into `out`, left and right interleaved; what is not stored is silent.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, source: usize, start: u64, out: &mut [f32]) -> io::Result<()> {
        out.fill(0.0);
        let end = start + (out.len() / CHANNELS) as u64;
        let windows = self.sources.get(source).map_or(&[][..], Vec::as_slice);
        let first = windows.partition_point(|window| window.frames.end <= start);
        for window in windows.iter().skip(first).take_while(|window| window.frames.start < end) {
            let range = window.frames.start.max(start)..window.frames.end.min(end);
            let position = window.position + (range.start - window.frames.start);
            let mut bytes = vec![0; ((range.end - range.start) * FRAME_BYTES) as usize];
            self.file.read_exact_at(&mut bytes, position * FRAME_BYTES)?;
            let samples = &mut out[(range.start - start) as usize * CHANNELS..];
            for (sample, bytes) in samples.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *sample = f32::from_le_bytes(*bytes);
            }
        }
        Ok(())
    }
}

/// The windows in order, overlapping and adjacent ones united.
fn merged(windows: impl IntoIterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut windows: Vec<Range<u64>> = windows.into_iter().filter(|window| !window.is_empty()).collect();
    windows.sort_by_key(|window| window.start);
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(windows.len());
    for window in windows {
        match merged.last_mut().filter(|last| window.start <= last.end) {
            Some(last) => last.end = last.end.max(window.end),
            None => merged.push(window),
        }
    }
    merged
}

/// The frames of a recording at [`RATE`], in order.
struct FrameReader<'a> {
    decoder: &'a mut Decoder,
    /// `None` after the end of the recording.
    resampler: Option<StereoResampler>,
    frames: Vec<f32>,
    /// Number of the first frame in `frames`.
    first: u64,
}

impl<'a> FrameReader<'a> {
    fn new(decoder: &'a mut Decoder) -> Result<Self, MixError> {
        let format = decoder.format();
        let resampler = Some(StereoResampler::new(format.rate, &format.layout, RATE)?);
        Ok(Self { decoder, resampler, frames: Vec::new(), first: 0 })
    }

    /// The next frames from frame `at` on, and the number of the first one; `None` at the end. Frames before `at` are
    /// dropped.
    fn next_from(&mut self, at: u64) -> Result<Option<(u64, &[f32])>, MixError> {
        loop {
            self.keep_from(at);
            if !self.frames.is_empty() {
                return Ok(Some((self.first, &self.frames)));
            }
            let Some(resampler) = &mut self.resampler else { return Ok(None) };
            match self.decoder.next_block()? {
                Some(block) => resampler.push(block.samples, &mut self.frames),
                None => {
                    if let Some(resampler) = self.resampler.take() {
                        resampler.finish(&mut self.frames);
                    }
                }
            }
        }
    }

    /// Drops the frames before frame `at`.
    fn keep_from(&mut self, at: u64) {
        let count = at.saturating_sub(self.first).min((self.frames.len() / CHANNELS) as u64);
        self.frames.drain(..count as usize * CHANNELS);
        self.first += count;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::iter;

    use super::*;

    /// A WAVE file of 16-bit stereo at 48 kHz whose frame n is (n, -n) / 32 768.
    fn ramp(frames: i16) -> MediaInput {
        let data: Vec<u8> =
            (0..frames).flat_map(|n| [n.to_le_bytes(), (-n).to_le_bytes()]).flatten().collect();
        let length = data.len() as u32;
        let mut wav = b"RIFF".to_vec();
        wav.extend((36 + length).to_le_bytes());
        wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
        wav.extend(48_000_u32.to_le_bytes());
        wav.extend(192_000_u32.to_le_bytes());
        wav.extend(b"\x04\0\x10\0data");
        wav.extend(length.to_le_bytes());
        wav.extend(data);
        MediaInput::from(Cursor::new(wav))
    }

    fn store(windows: impl IntoIterator<Item = Range<u64>>) -> ClipStore {
        let mut store = ClipStore::new(tempfile::tempfile().unwrap());
        assert_eq!(store.add(&ramp(30_000), windows, &|| false).unwrap(), 0);
        store
    }

    fn left(store: &ClipStore, start: u64, frames: usize) -> Vec<i64> {
        let mut out = vec![9.0; frames * CHANNELS];
        store.read(0, start, &mut out).unwrap();
        assert!(out.as_chunks::<2>().0.iter().all(|[left, right]| *left == -right));
        out.iter().step_by(2).map(|sample| (f64::from(*sample) * 32_768.0) as i64).collect()
    }

    #[test]
    fn windows_are_stored_once_in_order() {
        let store = store([20_000..20_010, 5..8, 6..10, 29_998..40_000]);
        assert_eq!(store.length, 5 + 10 + 2, "overlaps are united, and the recording ends at 30 000");
        assert_eq!(left(&store, 4, 8), [0, 5, 6, 7, 8, 9, 0, 0]);
        assert_eq!(left(&store, 20_008, 4), [20_008, 20_009, 0, 0]);
        assert_eq!(left(&store, 29_999, 3), [29_999, 0, 0]);
    }

    #[test]
    fn frames_are_written_and_added_again() {
        let mut store = store(iter::once(100..20_000));
        let mut bytes = Vec::new();
        store.write_frames(0, 90..12_000, &mut bytes, &|| false).unwrap();
        assert_eq!(bytes.len() as u64, 11_910 * FRAME_BYTES);
        assert_eq!(store.add_frames(bytes.as_slice(), &|| false).unwrap(), 1);
        let mut out = vec![0.0; 4];
        store.read(1, 11_909, &mut out).unwrap();
        assert_eq!(out, [11_999.0 / 32_768.0, -11_999.0 / 32_768.0, 0.0, 0.0]);
        assert_eq!(left(&store, 19_999, 1), [19_999], "the first source is unchanged");
    }

    #[test]
    fn cancelled_work_stops() {
        let mut store = ClipStore::new(tempfile::tempfile().unwrap());
        let stopped = store.add(&ramp(10), iter::once(0..5), &|| true);
        assert!(matches!(stopped, Err(MixError::Decode(DecodeError::Cancelled))));
    }
}
