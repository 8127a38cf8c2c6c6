//! The bytes of a recording, as symphonia reads them: metered, and with some container boxes hidden.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;

/// What a recording is read from: a file, a cursor over bytes, a ranged reader.
pub trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// How many bytes the current operation may still read.
///
/// Demuxers grow their buffers as they read, so a bound on the bytes that opening a file or fetching one
/// packet may read bounds both memory and time, whatever sizes a hostile file claims.
#[derive(Clone, Debug)]
pub(super) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    /// Nothing was read yet, and nothing is forbidden.
    pub(super) fn full() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    /// Allows `bytes` from now on.
    pub(super) fn grant(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// Was the last grant used up?
    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn take(&self, wanted: usize) -> usize {
        let left = self.0.load(Ordering::Relaxed);
        usize::try_from(left).unwrap_or(usize::MAX).min(wanted)
    }

    fn spend(&self, bytes: usize) {
        let left = self.0.load(Ordering::Relaxed);
        self.0.store(left.saturating_sub(bytes as u64), Ordering::Relaxed);
    }
}

/// Bytes that read differently than they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Overlay {
    /// Where the first of them stands.
    pub(super) at: u64,
    /// What is read instead.
    pub(super) bytes: Vec<u8>,
}

/// A [`Source`] as symphonia wants it.
pub(super) struct MeteredSource {
    /// Never contended (each use holds `&mut self`): the mutex only makes a `Send` source `Sync`.
    inner: Mutex<Box<dyn Source>>,
    len: u64,
    position: u64,
    allowance: Allowance,
    overlays: Vec<Overlay>,
}

impl MeteredSource {
    /// Reads `inner` from its beginning, within what `allowance` grants.
    pub(super) fn new(
        mut inner: Box<dyn Source>,
        allowance: Allowance,
        overlays: Vec<Overlay>,
    ) -> io::Result<Self> {
        let len = inner.seek(SeekFrom::End(0))?;
        inner.rewind()?;
        Ok(Self { inner: Mutex::new(inner), len, position: 0, allowance, overlays })
    }

    /// Holds no byte?
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Read for MeteredSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowed = self.allowance.take(buffer.len());
        if allowed == 0 && !buffer.is_empty() {
            return Err(io::Error::other("read more than one operation may"));
        }
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let count = inner.read(&mut buffer[..allowed])?;
        self.allowance.spend(count);
        for overlay in &self.overlays {
            overlay.apply(self.position, &mut buffer[..count]);
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Overlay {
    /// Writes what of this overlay falls into `bytes`, which were read from `start` on.
    fn apply(&self, start: u64, bytes: &mut [u8]) {
        for (position, byte) in (self.at..).zip(&self.bytes) {
            let index = position.checked_sub(start).and_then(|index| usize::try_from(index).ok());
            if let Some(target) = index.and_then(|index| bytes.get_mut(index)) {
                *target = *byte;
            }
        }
    }
}

impl Seek for MeteredSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.position = inner.seek(to)?;
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
    fn an_overlay_shows_however_the_reads_fall() {
        let overlay = Overlay { at: 3, bytes: b"free".to_vec() };
        for chunk in 1..10 {
            let mut source = source(b"...trak...", 100, vec![overlay.clone()]);
            let mut read = Vec::new();
            let mut buffer = vec![0; chunk];
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                read.extend_from_slice(&buffer[..count]);
            }
            assert_eq!(read, b"...free...");
        }
    }
}
