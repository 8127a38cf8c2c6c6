//! The size that a file had when it was kept, as an attribute of the file: a file that was cut off later is noticed.

use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::XattrFlags;

const NAME: &str = "user.harkback.size";

/// Marks `file`, which has `size` bytes. File systems without attributes keep no mark.
pub(crate) fn set(file: impl AsFd, size: u64) {
    if let Err(error) = rustix::fs::fsetxattr(file, NAME, size.to_string().as_bytes(), XattrFlags::empty()) {
        tracing::debug!(%error, "the file system keeps no attributes");
    }
}

/// Has `file` the size of its mark? Also true without one.
pub(crate) fn is_whole(file: &File) -> std::io::Result<bool> {
    let mut value = [0; 20];
    let Ok(length) = rustix::fs::fgetxattr(file, NAME, &mut value) else { return Ok(true) };
    let marked: Option<u64> = std::str::from_utf8(&value[..length]).ok().and_then(|text| text.parse().ok());
    let size = file.metadata()?.len();
    Ok(marked.is_none_or(|marked| marked == size))
}
