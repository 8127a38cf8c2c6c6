//! Detects changes of files outside the store since their bytes were hashed.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use primitives::Id;

/// A file modified within this time may change again with the same modification time: the clocks of file systems are
/// coarse, and the clocks of network file systems differ from the local one.
const SETTLING: Duration = Duration::from_secs(2);
/// Modification time stored for a file that may still change unnoticed. No file has it, so the bytes are hashed again.
const UNSETTLED: i64 = i64::MIN;

/// The metadata that changes with the bytes of a file: modification time and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFingerprint {
    /// Modification time in nanoseconds since 1970; `i64::MIN` if the file had been modified just before.
    pub(crate) modified_ns: i64,
    /// Inode number, its bits reinterpreted as signed.
    pub(crate) inode: i64,
}

impl FileFingerprint {
    /// The fingerprint of an open file, whose bytes are read after `now`.
    pub(crate) fn of(file: &File, now: DateTime<Utc>) -> std::io::Result<Self> {
        let found = Self::found(file)?;
        // A modification time in the future comes from another clock and is equally reliable.
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

/// The file of an asset, with its fingerprint at registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredFile<'a> {
    pub(crate) asset_id: &'a Id,
    pub(crate) fingerprint: FileFingerprint,
}

/// Files whose bytes have changed, by asset id. They are not hashed again until their fingerprint changes. The map
/// is local to this process and may be lost.
#[derive(Debug, Default)]
pub(crate) struct ChangedFiles(Mutex<HashMap<Id, FileFingerprint>>);

impl ChangedFiles {
    /// Most entries; beyond that the map is cleared.
    const MAX_FILES: usize = 4096;

    pub(crate) fn contains(&self, asset_id: &Id, fingerprint: FileFingerprint) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(asset_id) == Some(&fingerprint)
    }

    pub(crate) fn insert(&self, asset_id: &Id, fingerprint: FileFingerprint) {
        let mut changed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if changed.len() >= Self::MAX_FILES {
            changed.clear();
        }
        changed.insert(asset_id.clone(), fingerprint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_file_is_remembered_until_its_marks_change() {
        let (changed, asset) = (ChangedFiles::default(), "a".parse().unwrap());
        let fingerprint = FileFingerprint { modified_ns: 7, inode: 1 };
        changed.insert(&asset, fingerprint);
        assert!(changed.contains(&asset, fingerprint));
        assert!(!changed.contains(&asset, FileFingerprint { modified_ns: 8, ..fingerprint }));
        assert!(!changed.contains(&"b".parse().unwrap(), fingerprint));
        for index in 0..ChangedFiles::MAX_FILES {
            changed.insert(&format!("n{index}").parse().unwrap(), fingerprint);
        }
        assert!(!changed.contains(&asset, fingerprint), "bounded");
    }

    #[test]
    fn recently_modified_file_is_hashed_again() {
        let file = tempfile::tempfile().unwrap();
        let modified: DateTime<Utc> = file.metadata().unwrap().modified().unwrap().into();
        let after =
            |seconds| FileFingerprint::of(&file, modified + chrono::TimeDelta::seconds(seconds)).unwrap();
        assert_eq!(after(1).modified_ns, UNSETTLED);
        assert_ne!(after(1), FileFingerprint::found(&file).unwrap());
        assert_eq!(after(3), FileFingerprint::found(&file).unwrap());
        assert_eq!(after(-60), FileFingerprint::found(&file).unwrap(), "of a clock that is ahead");
    }
}
