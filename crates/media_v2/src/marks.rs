//! Files that are registered where they are: whether one changed since its bytes were hashed.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http_kit::{Id, Scope};

use crate::facts::digest;
use crate::{Content, MediaError, MediaService, store};

/// A file that changed within this time may change again without another time of change: the clocks of file systems are
/// coarse, and those of network file systems differ from ours.
const SETTLING: Duration = Duration::from_secs(2);
/// The time of change of a file that may yet change unnoticed: no file has it, so that its bytes are hashed again.
const UNSETTLED: i64 = i64::MIN;

/// What changes with the bytes of a file: its last change, and its inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMarks {
    /// Nanoseconds since 1970; the smallest number where the file had changed just before it was looked at.
    pub(crate) modified_ns: i64,
    /// The inode, its bits as those of a signed number.
    pub(crate) inode: i64,
}

impl FileMarks {
    /// The marks of an open file, whose bytes are read after `now`.
    pub(crate) fn of(file: &File, now: DateTime<Utc>) -> std::io::Result<Self> {
        let found = Self::found(file)?;
        let settled = now.timestamp_nanos_opt().unwrap_or(i64::MAX) - SETTLING.as_nanos() as i64;
        let modified_ns = if found.modified_ns < settled { found.modified_ns } else { UNSETTLED };
        Ok(Self { modified_ns, ..found })
    }

    pub(crate) fn found(file: &File) -> std::io::Result<Self> {
        let meta = file.metadata()?;
        let modified_ns = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
        Ok(Self { modified_ns, inode: meta.ino().cast_signed() })
    }
}

/// The file of an asset as it was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredFile<'a> {
    pub(crate) asset_id: &'a Id,
    pub(crate) marks: FileMarks,
}

impl MediaService {
    /// Hashes a file whose marks are not the registered ones, and refuses it where its bytes are no longer those that were
    /// registered. The marks are renewed where they are.
    ///
    /// # Errors
    /// [`MediaError::SourceChanged`]; the queue's, those of reading, and the database's.
    pub(crate) async fn check_unchanged(
        &self,
        content: Content<'_>,
        registered: RegisteredFile<'_>,
        file: File,
    ) -> Result<File, MediaError> {
        let now = self.now();
        let hashed = self.probe_queue().run(move |cancellation| {
            let marks = FileMarks::of(&file, now)?;
            let (id, _) = digest(&file, cancellation)?;
            std::io::Seek::rewind(&mut &file)?;
            Ok::<_, MediaError>((file, marks, id))
        });
        let (file, marks, id) = hashed.await??;
        if content.sha256 != Some(id.to_hex().as_str()) {
            return Err(MediaError::SourceChanged);
        }
        if marks != registered.marks {
            let scope = Scope { tenant_id: content.tenant_id.clone(), env: content.env.clone() };
            let mut conn = self.pool().acquire().await?;
            store::renew_marks(&mut conn, &scope, registered.asset_id, marks).await?;
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_just_now_is_hashed_again() {
        let file = tempfile::tempfile().unwrap();
        let modified: DateTime<Utc> = file.metadata().unwrap().modified().unwrap().into();
        let after = |seconds| FileMarks::of(&file, modified + chrono::TimeDelta::seconds(seconds)).unwrap();
        assert_eq!(after(1).modified_ns, UNSETTLED);
        assert_ne!(after(1), FileMarks::found(&file).unwrap());
        assert_eq!(after(3), FileMarks::found(&file).unwrap());
    }
}
