//! Hashes of files.

use std::io::{Read, Seek, SeekFrom};

use blob_store::BlobId;
use media_decode::DecodeError;
use scheduling::Cancellation;
use sha2::{Digest, Sha256};

/// Hash and size of all bytes of `reader`, read from the beginning.
pub(crate) fn digest(
    mut reader: impl Read + Seek,
    cancellation: &Cancellation,
) -> Result<(BlobId, u64), DecodeError> {
    reader.seek(SeekFrom::Start(0))?;
    let (mut hash, mut size, mut piece) = (Sha256::new(), 0, vec![0; 256 << 10]);
    loop {
        if cancellation.is_cancelled() {
            return Err(DecodeError::Cancelled);
        }
        match reader.read(&mut piece)? {
            0 => return Ok((BlobId::from_sha256(hash.finalize().into()), size)),
            count => {
                hash.update(&piece[..count]);
                size += count as u64;
            }
        }
    }
}
