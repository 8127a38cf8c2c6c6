//! The source that symphonia reads: it limits the number of bytes read and overlays parts of the file.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;

use crate::Source;

/// Most bytes that opening a file or reading one packet may read.
pub(crate) const READ_LIMIT: u64 = 128 << 20;

/// Number of bytes that the current operation may still read, and whether the source itself failed.
///
/// Demuxers grow their buffers as they read, so a limit on the bytes read while opening a file or reading one packet
/// bounds memory and time for any sizes that a hostile file declares. Only I/O errors recorded here are errors of the
/// source: demuxers report damage as I/O errors too.
#[derive(Clone, Debug)]
pub(crate) struct Allowance(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    bytes: AtomicU64,
    source_failed: AtomicBool,
}

impl Allowance {
    /// An allowance without a limit.
    pub(crate) fn full() -> Self {
        Self(Arc::new(Budget { bytes: AtomicU64::new(u64::MAX), source_failed: AtomicBool::new(false) }))
    }

    /// Allows `bytes` to be read from now on.
    pub(crate) fn grant(&self, bytes: u64) {
        self.0.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Whether the last grant is used up.
    pub(crate) fn is_spent(&self) -> bool {
        self.0.bytes.load(Ordering::Relaxed) == 0
    }

    /// Whether reading from the source failed.
    pub(crate) fn source_failed(&self) -> bool {
        self.0.source_failed.load(Ordering::Relaxed)
    }

    fn take(&self, wanted: usize) -> usize {
        let left = self.0.bytes.load(Ordering::Relaxed);
        usize::try_from(left).unwrap_or(usize::MAX).min(wanted)
    }

    fn spend(&self, bytes: usize) {
        let left = self.0.bytes.load(Ordering::Relaxed);
        self.0.bytes.store(left.saturating_sub(bytes as u64), Ordering::Relaxed);
    }

    /// Records an error of the source and returns it.
    fn record_failure(&self, error: io::Error) -> io::Error {
        // An interrupted read is repeated; a position before the beginning is an error of the demuxer.
        if !matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::InvalidInput) {
            self.0.source_failed.store(true, Ordering::Relaxed);
        }
        error
    }
}

/// Bytes that replace stored bytes when the file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overlay {
    /// Position of the first replaced byte.
    pub(crate) at: u64,
    /// The bytes that are read there instead.
    pub(crate) bytes: Vec<u8>,
    /// Number of zeros that follow `bytes`.
    pub(crate) zeros: u64,
}

/// A [`Source`] as a symphonia [`MediaSource`].
pub(crate) struct MeteredSource {
    /// Never contended, because each use holds `&mut self`. The mutex only makes a `Send` source `Sync`.
    inner: Mutex<Box<dyn Source>>,
    len: u64,
    position: u64,
    allowance: Allowance,
    overlays: Vec<Overlay>,
}

impl MeteredSource {
    /// Reads `inner` from its beginning, limited by `allowance`.
    pub(crate) fn new(
        mut inner: Box<dyn Source>,
        allowance: Allowance,
        overlays: Vec<Overlay>,
    ) -> io::Result<Self> {
        let len = inner.seek(SeekFrom::End(0))?;
        inner.rewind()?;
        Ok(Self { inner: Mutex::new(inner), len, position: 0, allowance, overlays })
    }
}

impl Read for MeteredSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowed = self.allowance.take(buffer.len());
        if allowed == 0 && !buffer.is_empty() {
            return Err(io::Error::other("read limit of one operation exceeded"));
        }
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let count =
            inner.read(&mut buffer[..allowed]).map_err(|error| self.allowance.record_failure(error))?;
        self.allowance.spend(count);
        for overlay in &self.overlays {
            overlay.apply(self.position, &mut buffer[..count]);
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Overlay {
    /// An overlay of `bytes` from `at` on.
    pub(crate) fn new(at: u64, bytes: Vec<u8>) -> Self {
        Self { at, bytes, zeros: 0 }
    }

    /// An overlay of zeros in `range`.
    pub(crate) fn zeros(range: Range<u64>) -> Self {
        Self { at: range.start, bytes: Vec::new(), zeros: range.end.saturating_sub(range.start) }
    }

    /// Applies the overlay to `bytes`, which were read from position `start` on.
    fn apply(&self, start: u64, bytes: &mut [u8]) {
        for (position, byte) in (self.at..).zip(&self.bytes) {
            let index = position.checked_sub(start).and_then(|index| usize::try_from(index).ok());
            if let Some(target) = index.and_then(|index| bytes.get_mut(index)) {
                *target = *byte;
            }
        }
        let zeros_at = self.at.saturating_add(self.bytes.len() as u64);
        let within =
            |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes.len());
        let (from, to) = (within(zeros_at), within(zeros_at.saturating_add(self.zeros)));
        bytes[from..to].fill(0);
    }
}

impl Seek for MeteredSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.position = inner.seek(to).map_err(|error| self.allowance.record_failure(error))?;
        Ok(self.position)
    }
}

impl MediaSource for MeteredSource {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: &[u8], allowed: u64, overlays: Vec<Overlay>) -> MeteredSource {
        let allowance = Allowance::full();
        allowance.grant(allowed);
        MeteredSource::new(Box::new(io::Cursor::new(bytes.to_vec())), allowance, overlays).unwrap()
    }

    #[test]
    fn reading_stops_at_the_allowance() {
        let mut source = source(&[7; 100], 10, Vec::new());
        let mut read = Vec::new();
        assert!(source.read_to_end(&mut read).is_err());
        assert_eq!(read.len(), 10);
        assert!(source.allowance.is_spent());
    }

    #[test]
    fn overlays_apply_to_reads_of_any_size() {
        let overlays = vec![Overlay::new(3, b"free".to_vec()), Overlay::zeros(8..9)];
        for chunk in 1..10 {
            let mut source = source(b"...trak...", 100, overlays.clone());
            let mut read = Vec::new();
            let mut buffer = vec![0; chunk];
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                read.extend_from_slice(&buffer[..count]);
            }
            assert_eq!(read, b"...free.\0.");
        }
    }
}
