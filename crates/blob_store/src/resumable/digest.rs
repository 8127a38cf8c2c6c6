//! SHA-256 whose state can be stored, so that another process continues it.

use sha2::compress256;

use crate::BlobId;

/// Size of a block of SHA-256, in bytes.
const BLOCK: usize = 64;
/// Size of the state and the length in the stored form, in bytes.
const HEAD: usize = 40;
/// Initial state (FIPS 180-4, section 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// SHA-256 of the bytes so far.
#[derive(Clone, PartialEq, Eq)]
pub struct ResumableDigest {
    state: [u32; 8],
    /// Number of bytes so far.
    length: u64,
    /// The bytes after the last whole block; less than a block.
    pending: Vec<u8>,
}

impl Default for ResumableDigest {
    fn default() -> Self {
        Self { state: INITIAL, length: 0, pending: Vec::new() }
    }
}

impl std::fmt::Debug for ResumableDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ResumableDigest({} bytes)", self.length)
    }
}

impl ResumableDigest {
    /// Number of bytes so far.
    #[must_use]
    pub const fn length_bytes(&self) -> u64 {
        self.length
    }

    /// Appends `bytes`.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        let mut rest = bytes;
        if !self.pending.is_empty() {
            let (head, after) = rest.split_at(rest.len().min(BLOCK - self.pending.len()));
            self.pending.extend_from_slice(head);
            rest = after;
            if self.pending.len() < BLOCK {
                return;
            }
            let block = std::mem::take(&mut self.pending);
            compress(&mut self.state, &block);
        }
        let (blocks, pending) = rest.split_at(rest.len() - rest.len() % BLOCK);
        compress(&mut self.state, blocks);
        self.pending.extend_from_slice(pending);
    }

    /// The id of a blob with these bytes.
    pub(crate) fn finish(mut self) -> BlobId {
        let mut last = std::mem::take(&mut self.pending);
        last.push(0x80);
        while last.len() % BLOCK != BLOCK - 8 {
            last.push(0);
        }
        last.extend_from_slice(&(self.length * 8).to_be_bytes());
        compress(&mut self.state, &last);
        let mut digest = [0; 32];
        for (slot, word) in digest.chunks_exact_mut(4).zip(self.state) {
            slot.copy_from_slice(&word.to_be_bytes());
        }
        BlobId::from_sha256(digest)
    }

    /// The state as 40 to 103 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.pending.len());
        self.state.iter().for_each(|word| bytes.extend_from_slice(&word.to_be_bytes()));
        bytes.extend_from_slice(&self.length.to_be_bytes());
        bytes.extend_from_slice(&self.pending);
        bytes
    }

    /// Reads a state that [`ResumableDigest::to_bytes`] wrote; `None` for other bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, pending) = bytes.split_at_checked(HEAD)?;
        let (words, length) = head.split_at(HEAD - 8);
        let mut state = [0; 8];
        for (slot, word) in state.iter_mut().zip(words.chunks_exact(4)) {
            *slot = u32::from_be_bytes(word.try_into().ok()?);
        }
        let length = u64::from_be_bytes(length.try_into().ok()?);
        (pending.len() as u64 == length % BLOCK as u64).then(|| Self {
            state,
            length,
            pending: pending.to_vec(),
        })
    }
}

/// Processes whole blocks.
fn compress(state: &mut [u32; 8], blocks: &[u8]) {
    let blocks: Vec<_> = blocks.chunks_exact(BLOCK).map(block).collect();
    compress256(state, &blocks);
}

/// The block in the type that [`compress256`] takes.
fn block<T: Default + AsMut<[u8]>>(bytes: &[u8]) -> T {
    let mut block = T::default();
    block.as_mut().copy_from_slice(bytes);
    block
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn digest_equals_sha256_wherever_it_is_stored_and_continued() {
        let bytes: Vec<u8> = (0..1_000_u32).map(|index| (index % 251) as u8).collect();
        for length in [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1_000] {
            let whole = BlobId::from_sha256(Sha256::digest(&bytes[..length]).into());
            for cut in [0, 1, 32, 63, 64, 65, 127, 500].into_iter().filter(|cut| *cut <= length) {
                let mut digest = ResumableDigest::default();
                digest.update(&bytes[..cut]);
                let mut digest = ResumableDigest::from_bytes(&digest.to_bytes()).unwrap();
                assert_eq!(digest.length_bytes(), cut as u64);
                digest.update(&bytes[cut..length]);
                assert_eq!(digest.finish(), whole, "{length} bytes, stored after {cut}");
            }
        }
    }

    #[test]
    fn malformed_states_are_refused() {
        let mut digest = ResumableDigest::default();
        digest.update(&[7; 70]);
        let stored = digest.to_bytes();
        assert_eq!(stored.len(), HEAD + 6);
        for length in [0, HEAD - 1, HEAD, stored.len() - 1] {
            assert_eq!(ResumableDigest::from_bytes(&stored[..length]), None, "{length}");
        }
        assert_eq!(ResumableDigest::from_bytes(&stored), Some(digest));
    }
}
