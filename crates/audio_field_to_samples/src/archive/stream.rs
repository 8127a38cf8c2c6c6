//! Sends an archive: headers and the bytes of each blob, as they are read.

use std::io;

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _, stream};
use interchange::zip::{Crc32, ZipWriter};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument as _;

use super::{MANIFEST, SampleArchive};

/// Number of pieces that wait for the client.
const PIECES: usize = 4;

/// The bytes of `archive`. They are read as fast as the receiver takes them; an error ends the stream before its end,
/// so that the client sees a truncated body.
pub(super) fn stream(archive: SampleArchive) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(PIECES);
    let writing = async move {
        let mut output = Output { zip: ZipWriter::default(), sender };
        if let Err(error) = output.archive(archive).await {
            if error.kind() != io::ErrorKind::BrokenPipe {
                tracing::warn!(%error, "an archive of samples is incomplete");
            }
            // Fails if the client is gone.
            drop(output.sender.send(Err(error)).await);
        }
    };
    tokio::spawn(writing.in_current_span());
    ReceiverStream::new(receiver)
}

struct Output {
    zip: ZipWriter,
    sender: mpsc::Sender<io::Result<Bytes>>,
}

impl Output {
    async fn archive(&mut self, archive: SampleArchive) -> io::Result<()> {
        let SampleArchive { blobs, manifest, files, slot } = archive;
        let size = manifest.len() as u64;
        self.file(MANIFEST, size, stream::iter([Ok(manifest)])).await?;
        // The rest needs little memory, and a slow client may take hours.
        drop(slot);
        for file in files {
            let pieces = blobs.read(file.blob, 0..file.size).await.map_err(io::Error::other)?;
            self.file(&file.name, file.size, pieces.map_err(io::Error::other)).await?;
        }
        let end = std::mem::take(&mut self.zip).finish();
        self.send(end.into()).await
    }

    /// Sends a file of `size` bytes.
    async fn file(
        &mut self,
        name: &str,
        size: u64,
        pieces: impl Stream<Item = io::Result<Bytes>> + Send,
    ) -> io::Result<()> {
        let header = self.zip.begin(name, size);
        self.send(header.into()).await?;
        let mut pieces = std::pin::pin!(pieces);
        let (mut crc, mut sent) = (Crc32::default(), 0);
        while let Some(piece) = pieces.try_next().await? {
            crc.update(&piece);
            sent += piece.len() as u64;
            self.send(piece).await?;
        }
        if sent != size {
            return Err(io::Error::other(format!("{name} has {sent} bytes; expected {size}")));
        }
        let descriptor = self.zip.end(&crc);
        self.send(descriptor.into()).await
    }

    /// Waits until the client takes pieces.
    ///
    /// # Errors
    /// [`io::ErrorKind::BrokenPipe`] if the client is gone.
    async fn send(&self, bytes: Bytes) -> io::Result<()> {
        self.sender.send(Ok(bytes)).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
