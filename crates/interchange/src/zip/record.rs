//! The records of an archive, little-endian.

/// A value of 32 bits from which the actual one is in a ZIP64 record.
const IN_ZIP64: u32 = u32::MAX;
/// A number of files from which the actual one is in a ZIP64 record.
const COUNT_IN_ZIP64: u16 = u16::MAX;
/// Versions of the format that extract a file with a data descriptor, and one with ZIP64.
const VERSION: u16 = 20;
const VERSION_ZIP64: u16 = 45;
/// Host system of the attributes: Unix.
const UNIX: u16 = 3 << 8;
/// A regular file, readable by all and writable by its owner.
const UNIX_MODE: u32 = 0o100_644;
/// The CRC-32 and the sizes are in a data descriptor; the name is UTF-8.
const FLAGS: u16 = (1 << 3) | (1 << 11);
const STORED: u16 = 0;
/// 1980-01-01 00:00:00, the earliest time of the format, in MS-DOS' encoding.
const TIME: u16 = 0;
const DATE: u16 = (1 << 5) | 1;
const ZIP64_EXTRA: u16 = 1;

/// A file of an archive.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Size in bytes.
    pub(super) size: u64,
    pub(super) crc32: u32,
    /// Position of its local header in bytes.
    pub(super) offset: u64,
}

impl Entry {
    const fn is_large(&self) -> bool {
        self.size >= IN_ZIP64 as u64
    }

    /// The name, with its length in bytes as the format declares it.
    fn name(&self) -> (&[u8], u16) {
        let name = self.name.as_bytes();
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        (&name[..usize::from(length)], length)
    }
}

/// The header before a file. The data descriptor declares its CRC-32 and sizes, of eight bytes each if the header has
/// a ZIP64 record.
pub(super) fn local_header(entry: &Entry) -> Vec<u8> {
    let (name, name_length) = entry.name();
    let mut record = Record::new(b"PK\x03\x04");
    let (version, size, extra) =
        if entry.is_large() { (VERSION_ZIP64, IN_ZIP64, 20) } else { (VERSION, 0, 0) };
    record.u16s(&[version, FLAGS, STORED, TIME, DATE]);
    record.u32s(&[0, size, size]);
    record.u16s(&[name_length, extra]);
    record.bytes(name);
    if entry.is_large() {
        record.u16s(&[ZIP64_EXTRA, 16]);
        record.u64s(&[0, 0]);
    }
    record.0
}

pub(super) fn data_descriptor(entry: &Entry) -> Vec<u8> {
    let mut record = Record::new(b"PK\x07\x08");
    record.u32s(&[entry.crc32]);
    if entry.is_large() {
        record.u64s(&[entry.size, entry.size]);
    } else {
        record.u32s(&[entry.size as u32, entry.size as u32]);
    }
    record.0
}

/// The header of a file in the central directory.
pub(super) fn central_header(entry: &Entry) -> Vec<u8> {
    let (name, name_length) = entry.name();
    let mut large = Vec::new();
    if entry.is_large() {
        large.extend([entry.size, entry.size]);
    }
    if entry.offset >= u64::from(IN_ZIP64) {
        large.push(entry.offset);
    }
    let short = |value: u64| u32::try_from(value).unwrap_or(IN_ZIP64);
    let version = if large.is_empty() { VERSION } else { VERSION_ZIP64 };
    let extra = if large.is_empty() { 0 } else { 4 + 8 * large.len() as u16 };
    let mut record = Record::new(b"PK\x01\x02");
    record.u16s(&[UNIX | version, version, FLAGS, STORED, TIME, DATE]);
    record.u32s(&[entry.crc32, short(entry.size), short(entry.size)]);
    // Lengths of name, extra fields and comment; disk; internal attributes.
    record.u16s(&[name_length, extra, 0, 0, 0]);
    record.u32s(&[UNIX_MODE << 16, short(entry.offset)]);
    record.bytes(name);
    if !large.is_empty() {
        record.u16s(&[ZIP64_EXTRA, extra - 4]);
        record.u64s(&large);
    }
    record.0
}

/// The end of an archive of `files` files, whose central directory has `size` bytes and begins at `offset`.
pub(super) fn end_of_archive(files: u64, size: u64, offset: u64) -> Vec<u8> {
    let count = u16::try_from(files).unwrap_or(COUNT_IN_ZIP64);
    let short = |value: u64| u32::try_from(value).unwrap_or(IN_ZIP64);
    let is_large = count == COUNT_IN_ZIP64 || short(size) == IN_ZIP64 || short(offset) == IN_ZIP64;
    let mut bytes = if is_large { zip64_end(files, size, offset) } else { Vec::new() };
    let mut record = Record::new(b"PK\x05\x06");
    record.u16s(&[0, 0, count, count]);
    record.u32s(&[short(size), short(offset)]);
    record.u16s(&[0]);
    bytes.append(&mut record.0);
    bytes
}

/// The end of the central directory of ZIP64, and its locator.
fn zip64_end(files: u64, size: u64, offset: u64) -> Vec<u8> {
    /// Size of the record after this field.
    const SIZE: u64 = 44;
    let mut record = Record::new(b"PK\x06\x06");
    record.u64s(&[SIZE]);
    record.u16s(&[UNIX | VERSION_ZIP64, VERSION_ZIP64]);
    record.u32s(&[0, 0]);
    record.u64s(&[files, files, size, offset]);
    record.bytes(b"PK\x06\x07");
    record.u32s(&[0]);
    record.u64s(&[offset + size]);
    record.u32s(&[1]);
    record.0
}

struct Record(Vec<u8>);

impl Record {
    fn new(signature: &[u8; 4]) -> Self {
        Self(signature.to_vec())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u16s(&mut self, numbers: &[u16]) {
        self.0.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn u32s(&mut self, numbers: &[u32]) {
        self.0.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn u64s(&mut self, numbers: &[u64]) {
        self.0.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
}
