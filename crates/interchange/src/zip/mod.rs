//! ZIP archives of stored files, written front to back without seeking (PKWARE's APPNOTE 6.3.10).
//!
//! The contents are not part of it: between [`ZipWriter::begin`] and [`ZipWriter::end`] the caller writes the bytes of
//! a file, of which only the size must be known. A data descriptor after them declares their CRC-32. Files are not
//! compressed and have a fixed time, so equal files give equal bytes. Archives and files of 4 GiB and more, and more
//! than 65 534 files, use ZIP64.

mod record;

use record::{Entry, central_header, data_descriptor, end_of_archive, local_header};

/// The headers of an archive, in the order in which they are written.
///
/// # Examples
///
/// ```
/// use interchange::zip::{Crc32, ZipWriter};
///
/// let mut zip = ZipWriter::default();
/// let mut archive = zip.begin("a.txt", 5);
/// let mut crc = Crc32::default();
/// for piece in [b"he".as_slice(), b"llo"] {
///     crc.update(piece);
///     archive.extend_from_slice(piece);
/// }
/// archive.extend(zip.end(&crc));
/// archive.extend(zip.finish());
/// assert_eq!(archive.len() as u64, interchange::zip::archive_bytes([("a.txt", 5)]));
/// ```
#[derive(Debug, Default)]
pub struct ZipWriter {
    entries: Vec<Entry>,
    /// Number of bytes up to the next header.
    offset: u64,
}

impl ZipWriter {
    /// The header before a file of `size` bytes. `name` is its path in the archive, unique, of at most 65 535 bytes in
    /// UTF-8.
    pub fn begin(&mut self, name: &str, size: u64) -> Vec<u8> {
        let entry = Entry { name: name.to_owned(), size, crc32: 0, offset: self.offset };
        let header = local_header(&entry);
        self.offset += header.len() as u64 + size;
        self.entries.push(entry);
        header
    }

    /// The descriptor after the bytes of the file that was begun last; `crc` is that of its bytes.
    pub fn end(&mut self, crc: &Crc32) -> Vec<u8> {
        let Some(entry) = self.entries.last_mut() else { return Vec::new() };
        entry.crc32 = crc.0.sum();
        let descriptor = data_descriptor(entry);
        self.offset += descriptor.len() as u64;
        descriptor
    }

    /// The central directory, which ends the archive.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let mut directory: Vec<u8> = self.entries.iter().flat_map(central_header).collect();
        let end = end_of_archive(self.entries.len() as u64, directory.len() as u64, self.offset);
        directory.extend(end);
        directory
    }
}

/// CRC-32 of the bytes of a file.
#[derive(Debug, Default)]
pub struct Crc32(flate2::Crc);

impl Crc32 {
    /// Adds the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// Size in bytes of an archive of files with these names and sizes in bytes.
pub fn archive_bytes<'a>(files: impl IntoIterator<Item = (&'a str, u64)>) -> u64 {
    let mut zip = ZipWriter::default();
    for (name, size) in files {
        zip.begin(name, size);
        zip.end(&Crc32::default());
    }
    let contents = zip.offset;
    contents + zip.finish().len() as u64
}

#[cfg(test)]
mod tests;
