//! Keeps slices as they are cut: from the decoding thread's pieces to blobs.

use std::collections::HashMap;

use blob_store::{BlobError, BlobId, BlobStore, BlobWriter};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;

use crate::cut::Piece;

/// So many whole slices are synced and moved to their place, or sent to an object store, at once.
const SYNCING: usize = 8;

/// Writes what comes; the blob of each cut that was whole when the channel closed. What was not leaves nothing.
///
/// # Errors
/// The store's. The channel is then closed, which stops the cutting.
pub(crate) async fn keep(
    blobs: &BlobStore,
    mut pieces: Receiver<Piece>,
) -> Result<HashMap<usize, BlobId>, BlobError> {
    let mut open: HashMap<usize, BlobWriter> = HashMap::new();
    let mut syncing: JoinSet<Result<(usize, BlobId), BlobError>> = JoinSet::new();
    let mut kept = HashMap::new();
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
            kept.insert(cut, blob);
        }
        syncing.spawn(async move { Ok((cut, writer.finish().await?.id)) });
    }
    while let Some(done) = syncing.join_next().await {
        let (cut, blob) = done.map_err(std::io::Error::other)??;
        kept.insert(cut, blob);
    }
    Ok(kept)
}

#[cfg(test)]
mod tests;
