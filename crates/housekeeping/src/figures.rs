//! Reads the figures of an owner.

use media_time::MediaTime;
use primitives::Scope;

use crate::model::{JobFigures, OwnerFigures, UploadFigures};
use crate::{Error, Housekeeping, store};

impl Housekeeping {
    /// What an owner has stored, and which of its work is unfinished: three statements, which read indexes of the owner's
    /// assets and artifacts.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn figures(&self, scope: &Scope) -> Result<OwnerFigures, Error> {
        let mut conn = self.pool().acquire().await?;
        let counts = store::count_by_kind(&mut conn, scope).await?;
        let stored = store::stored_bytes(&mut conn, scope).await?;
        let work = store::work_in_progress(&mut conn, scope).await?;
        let mut figures = OwnerFigures {
            stored_bytes: stored.bytes.cast_unsigned(),
            blobs: stored.blobs.cast_unsigned(),
            blobs_without_size: stored.without_size.cast_unsigned(),
            analysed: MediaTime::from_micros(work.analysed_us),
            uploads: UploadFigures {
                open: work.uploads.cast_unsigned(),
                received_bytes: work.received_bytes.cast_unsigned(),
            },
            jobs: JobFigures { queued: work.queued.cast_unsigned(), running: work.running.cast_unsigned() },
            ..OwnerFigures::default()
        };
        for found in counts {
            let of_kinds = if found.is_asset { &mut figures.assets } else { &mut figures.artifacts };
            of_kinds.total += found.count.cast_unsigned();
            of_kinds.by_kind.insert(found.kind, found.count.cast_unsigned());
        }
        Ok(figures)
    }
}
