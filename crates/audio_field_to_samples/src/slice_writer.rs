//! Stores slices while they are cut: from pieces sent by the decoding thread to blobs.

use std::collections::HashMap;

use blob_store::{BlobError, BlobStore, BlobWriter, StoredBlob};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;

use crate::cut::Piece;

/// Number of complete slices that are synced and renamed, or uploaded to an object store, at the same time.
const SYNCING: usize = 8;

/// Writes the received pieces; returns the blob of each cut that was complete when the channel closed. Incomplete ones
/// are discarded.
///
/// # Errors
/// Errors of the store. The channel is then closed, which stops the cutting.
pub(crate) async fn write_slices(
    blobs: &BlobStore,
    mut pieces: Receiver<Piece>,
) -> Result<HashMap<usize, StoredBlob>, BlobError> {
    let mut open: HashMap<usize, BlobWriter> = HashMap::new();
    let mut syncing: JoinSet<Result<(usize, StoredBlob), BlobError>> = JoinSet::new();
    let mut stored = HashMap::new();
    while let Some(Piece { cut, bytes, last }) = pieces.recv().await {
        let mut writer = match open.remove(&cut) {
            Some(writer) => writer,
            None => blobs.writer().await?,
        };
        writer.write(bytes).await?;
        if !last {
            open.insert(cut, writer);
            continue;
        }
        if syncing.len() >= SYNCING
            && let Some(done) = syncing.join_next().await
        {
            let (cut, blob) = done.map_err(std::io::Error::other)??;
            stored.insert(cut, blob);
        }
        syncing.spawn(async move { Ok((cut, writer.finish().await?)) });
    }
    while let Some(done) = syncing.join_next().await {
        let (cut, blob) = done.map_err(std::io::Error::other)??;
        stored.insert(cut, blob);
    }
    Ok(stored)
}

#[cfg(test)]
mod tests;
