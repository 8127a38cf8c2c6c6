//! Recordings as mono samples at 16 kHz, in temporary files without a name.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use anyhow::Context;
use audio_fingerprint::{Samples, Sources};
use audio_signal::{Control, read_mono};
use media_decode::{Decoders, MediaInput};

/// Bytes of a sample.
const SAMPLE: u64 = size_of::<f32>() as u64;
/// Bytes of decoded sources that are kept at once: 17 h. The last one that was read is kept, however long it is.
const MAX_BYTES: u64 = 4 << 30;

/// The samples of a recording, in a temporary file.
#[derive(Debug)]
pub(super) struct MonoFile {
    file: File,
    samples: u64,
}

impl MonoFile {
    /// Decodes a whole recording.
    ///
    /// # Errors
    /// When it cannot be decoded, or the temporary file cannot be written.
    pub(super) fn decode(input: &MediaInput) -> anyhow::Result<Self> {
        let mut writer = BufWriter::new(tempfile::tempfile().context("a temporary file")?);
        let mut count = 0;
        read_mono(input.decoder()?, &Control::none(), |samples| {
            count += samples.len() as u64;
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            let written = writer.write_all(&bytes);
            written.context("a temporary file; set TMPDIR to a directory with more space")?;
            anyhow::Ok(ControlFlow::Continue(()))
        })?;
        let file = writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        Ok(Self { file, samples: count })
    }

    fn bytes(&self) -> u64 {
        self.samples * SAMPLE
    }
}

impl Samples for MonoFile {
    type Error = anyhow::Error;

    fn len(&self) -> u64 {
        self.samples
    }

    fn read(&mut self, start: i64, out: &mut [f32]) -> anyhow::Result<()> {
        out.fill(0.0);
        let end = start.saturating_add_unsigned(out.len() as u64).clamp(0, self.samples.cast_signed());
        let first = start.clamp(0, end);
        let mut bytes = vec![0; (end - first) as usize * size_of::<f32>()];
        self.file.read_exact_at(&mut bytes, first.cast_unsigned() * SAMPLE).context("a temporary file")?;
        let samples = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        // The first sample read is at the start of `out`, or after the silence before the recording.
        let offset = first.abs_diff(start) as usize;
        out.iter_mut().skip(offset).zip(samples).for_each(|(out, sample)| *out = sample);
        Ok(())
    }
}

/// The samples of files, numbered from 0: decoded when they are first read.
pub(super) struct MonoFiles<'a> {
    files: &'a [PathBuf],
    decoders: &'a Decoders,
    /// Decoded files, the last one that was read at the end.
    decoded: Vec<(i64, MonoFile)>,
}

impl<'a> MonoFiles<'a> {
    pub(super) const fn new(files: &'a [PathBuf], decoders: &'a Decoders) -> Self {
        Self { files, decoders, decoded: Vec::new() }
    }

    fn decode(&self, source: i64) -> anyhow::Result<MonoFile> {
        let path = usize::try_from(source).ok().and_then(|index| self.files.get(index));
        let path = path.context("a match of an unknown file")?;
        let input = MediaInput::new(File::open(path)?, self.decoders.clone());
        MonoFile::decode(&input).with_context(|| path.display().to_string())
    }

    /// Drops the files that were not read for longest.
    fn shrink(&mut self) {
        let mut bytes: u64 = self.decoded.iter().map(|(_, file)| file.bytes()).sum();
        while bytes > MAX_BYTES && self.decoded.len() > 1 {
            bytes -= self.decoded.remove(0).1.bytes();
        }
    }
}

impl Sources for MonoFiles<'_> {
    type Error = anyhow::Error;

    fn read(&mut self, source: i64, start: i64, out: &mut [f32]) -> anyhow::Result<()> {
        let known = self.decoded.iter().position(|(id, _)| *id == source);
        let mut file = match known {
            Some(index) => self.decoded.remove(index).1,
            None => self.decode(source)?,
        };
        let read = file.read(start, out);
        self.decoded.push((source, file));
        self.shrink();
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mono_files_are_silent_outside() {
        let mut written = tempfile::tempfile().unwrap();
        for sample in 1..=100u16 {
            written.write_all(&f32::from(sample).to_le_bytes()).unwrap();
        }
        let mut file = MonoFile { file: written, samples: 100 };
        let mut out = [9.0; 5];
        for (start, expected) in [
            (-3, [0.0, 0.0, 0.0, 1.0, 2.0]),
            (0, [1.0, 2.0, 3.0, 4.0, 5.0]),
            (97, [98.0, 99.0, 100.0, 0.0, 0.0]),
            (-100, [0.0; 5]),
            (100, [0.0; 5]),
            (i64::MIN, [0.0; 5]),
            (i64::MAX, [0.0; 5]),
        ] {
            file.read(start, &mut out).unwrap();
            assert_eq!(out, expected, "{start}");
        }
    }
}
