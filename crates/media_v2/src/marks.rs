//! Files that are registered where they are: whether one changed since its bytes were hashed.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};
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
        // A time of change in the future is that of another clock, and as good.
        let age = now.timestamp_nanos_opt().unwrap_or(i64::MAX).abs_diff(found.modified_ns);
        let modified_ns = if u128::from(age) > SETTLING.as_nanos() { found.modified_ns } else { UNSETTLED };
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

/// Files whose bytes were found changed, by the assets' ids: they are not hashed again until their marks change. The
/// knowledge is this process's, and may be lost.
#[derive(Debug, Default)]
pub(crate) struct ChangedFiles(Mutex<HashMap<Id, FileMarks>>);

impl ChangedFiles {
    /// Beyond this number all are forgotten.
    const MOST: usize = 4096;

    pub(crate) fn contains(&self, asset_id: &Id, marks: FileMarks) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(asset_id) == Some(&marks)
    }

    fn insert(&self, asset_id: &Id, marks: FileMarks) {
        let mut changed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if changed.len() >= Self::MOST {
            changed.clear();
        }
        changed.insert(asset_id.clone(), marks);
    }
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
            // An unsettled file has marks that no file has.
            self.changed_files().insert(registered.asset_id, marks);
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
    fn a_changed_file_is_remembered_until_its_marks_change() {
        let (changed, asset) = (ChangedFiles::default(), "a".parse().unwrap());
        let marks = FileMarks { modified_ns: 7, inode: 1 };
        changed.insert(&asset, marks);
        assert!(changed.contains(&asset, marks));
        assert!(!changed.contains(&asset, FileMarks { modified_ns: 8, ..marks }));
        assert!(!changed.contains(&"b".parse().unwrap(), marks));
        for index in 0..ChangedFiles::MOST {
            changed.insert(&format!("n{index}").parse().unwrap(), marks);
        }
        assert!(!changed.contains(&asset, marks), "bounded");
    }

    #[test]
    fn a_file_that_changed_just_now_is_hashed_again() {
        let file = tempfile::tempfile().unwrap();
        let modified: DateTime<Utc> = file.metadata().unwrap().modified().unwrap().into();
        let after = |seconds| FileMarks::of(&file, modified + chrono::TimeDelta::seconds(seconds)).unwrap();
        assert_eq!(after(1).modified_ns, UNSETTLED);
        assert_ne!(after(1), FileMarks::found(&file).unwrap());
        assert_eq!(after(3), FileMarks::found(&file).unwrap());
        assert_eq!(after(-60), FileMarks::found(&file).unwrap(), "of a clock that is ahead");
    }
}
