//! Checks that a file outside the store still has its registered bytes.

use std::fs::File;

use primitives::Scope;

use crate::digest::digest;
use crate::fingerprint::{FileFingerprint, RegisteredFile};
use crate::service::MediaService;
use crate::{Content, MediaError, store};

impl MediaService {
    /// Hashes a file whose fingerprint differs from the registered one. If its bytes are unchanged the stored fingerprint
    /// is updated, otherwise the file is rejected.
    ///
    /// # Errors
    /// [`MediaError::SourceChanged`]; errors of the queue, of reading the file, and of the database.
    pub(crate) async fn check_unchanged(
        &self,
        content: Content<'_>,
        registered: RegisteredFile<'_>,
        file: File,
    ) -> Result<File, MediaError> {
        let clock = self.clock();
        let hashed = self.probe_queue().run(move |cancellation| {
            let fingerprint = FileFingerprint::of(&file, clock.now())?;
            let (id, _) = digest(&file, cancellation)?;
            std::io::Seek::rewind(&mut &file)?;
            Ok::<_, MediaError>((file, fingerprint, id))
        });
        let (file, fingerprint, id) = hashed.await??;
        if content.sha256 != Some(id.to_hex().as_str()) {
            // An unsettled file has a fingerprint that no file has.
            self.changed_files().insert(registered.asset_id, fingerprint);
            return Err(MediaError::SourceChanged);
        }
        if fingerprint != registered.fingerprint {
            let scope = Scope { tenant_id: content.tenant_id.clone(), env: content.env.clone() };
            let mut conn = self.pool().acquire().await?;
            store::renew_fingerprint(&mut conn, &scope, registered.asset_id, fingerprint).await?;
        }
        Ok(file)
    }
}
