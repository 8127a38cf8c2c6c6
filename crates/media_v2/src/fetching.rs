//! Registration of files elsewhere: fetched once into the blob store, and then registered as uploads are.

use primitives::{AccessLevel, Scope};
use remote_source::Piece;
use scheduling::{WorkProgress, begin_heavy_work};
use url::Url;

use crate::{MediaAsset, MediaError, MediaService, NewAsset, rules};

/// Fraction of the work that is the transfer; the rest is the probe.
const TRANSFER: f64 = 0.95;
/// Member of `meta` with the URI that a file was fetched from, without its query.
const FETCHED_FROM: &str = "fetched_from";

impl MediaService {
    /// Fetches the file at `url`, stores it and writes the row of `asset`. The bytes go to a staging file, with one piece
    /// in memory at a time; if the transfer fails, nothing is left.
    ///
    /// # Errors
    /// [`MediaError::SourceNotAllowed`], [`MediaError::SourceNeedsAdmin`]; [`MediaError::Queue`] where the call is to
    /// become a job; [`MediaError::Remote`], [`MediaError::UploadTooLarge`]; errors of the store and of the database.
    pub(crate) async fn fetch_and_register(
        &self,
        scope: &Scope,
        url: &Url,
        mut asset: NewAsset,
        level: AccessLevel,
    ) -> Result<MediaAsset, MediaError> {
        let location = self.remote_sources().locate(url, scope, level)?;
        begin_heavy_work()?;
        let name = location.file_name().and_then(|name| rules::file_name(&name));
        asset.meta.insert(FETCHED_FROM.to_owned(), location.public_uri().into());
        let progress = WorkProgress::current();
        progress.report("fetching", 0.0);
        let mut transfer = self.remote_sources().fetch(location, self.max_upload_bytes());
        let mut writer = self.blobs().writer().await?;
        while let Some(piece) = transfer.next().await? {
            match piece {
                Piece::Bytes(bytes) => writer.write(bytes).await?,
                Piece::Restart => writer = self.blobs().writer().await?,
            }
            progress.report("fetching", TRANSFER * transfer.fraction());
        }
        // Ends the connection before the probe waits in its queue.
        drop(transfer);
        progress.report("probing", TRANSFER);
        let made = self.store_file(scope, asset, writer, name).await?;
        progress.complete();
        Ok(made)
    }
}
