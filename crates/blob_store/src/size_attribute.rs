//! Records the size of a stored file in an extended attribute, to detect later truncation.

use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::XattrFlags;

const NAME: &str = "user.harkback.size";

/// Stores `size`, the size of `file` in bytes, in its attribute. Does nothing on file systems without attributes.
pub(crate) fn set(file: impl AsFd, size: u64) {
    if let Err(error) = rustix::fs::fsetxattr(file, NAME, size.to_string().as_bytes(), XattrFlags::empty()) {
        tracing::debug!(%error, "the file system keeps no attributes");
    }
}

/// Whether the size of `file` matches its recorded size; also true without a record.
pub(crate) fn matches(file: &File) -> std::io::Result<bool> {
    let mut value = [0; 20];
    let Ok(length) = rustix::fs::fgetxattr(file, NAME, &mut value) else { return Ok(true) };
    let recorded: Option<u64> = std::str::from_utf8(&value[..length]).ok().and_then(|text| text.parse().ok());
    let size = file.metadata()?.len();
    Ok(recorded.is_none_or(|recorded| recorded == size))
}
