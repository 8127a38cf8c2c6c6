//! Detects the format of a file by its first bytes. Names and extensions are ignored.
//!
//! This is the only such table: upload, probe, analysis and renderer use it first, and open the file with the one
//! demuxer of the detected format. The sync words of MP3 and ADTS occur by chance in any data, so a file is scanned for
//! them only when no signature matches, and accepted only if consecutive frames follow to its end.
//!
//! Playlists, manifests and concatenation scripts are not in the table: ffmpeg would open the files they refer to.

mod format;
mod frames;
mod signature;
mod tags;

use std::io::{self, Read, Seek, SeekFrom};

pub use self::format::{FileFormat, MediaKind};
pub(crate) use self::frames::scan_frames;
use self::tags::{after_tags, bytes_at};

/// Number of bytes at the beginning that signatures are matched against.
const HEAD: u64 = 4_096;
/// The format of `source`; `None` when it is not known. Moves the position of `source`.
///
/// # Errors
/// When reading fails.
pub fn sniff(source: &mut (impl Read + Seek + ?Sized)) -> io::Result<Option<FileFormat>> {
    let length = source.seek(SeekFrom::End(0))?;
    let start = after_tags(source)?;
    let head = bytes_at(source, start, HEAD)?;
    if let Some(format) = signature::of(&head, start > 0) {
        return Ok(Some(format));
    }
    if let Some(format) = frames::at(&head, length - start.min(length)) {
        return Ok(Some(format));
    }
    frames::scan(source, start, length)
}

/// The format by the signature in the first bytes of a file (4 KiB suffice), without scanning for frames.
///
/// # Examples
///
/// ```
/// use media_decode::{FileFormat, MediaKind, sniff_head};
///
/// let format = sniff_head(b"fLaC\0\0\0\x22");
/// assert_eq!(format, Some(FileFormat::Flac));
/// assert_eq!(format.map(|format| format.media_type(MediaKind::Audio)), Some("audio/flac"));
/// // A playlist would make a reader open other files, so that it is no known format.
/// assert_eq!(sniff_head(b"#EXTM3U\n"), None);
/// ```
#[must_use]
pub fn sniff_head(head: &[u8]) -> Option<FileFormat> {
    signature::of(head, false)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn name(bytes: &[u8]) -> Option<&'static str> {
        sniff(&mut Cursor::new(bytes)).unwrap().map(FileFormat::name)
    }

    #[test]
    fn formats_are_named_by_their_first_bytes() {
        let (mut ts, mut m2ts) = (vec![0; 188 * 6], vec![0; 192 * 6]);
        (0..6).for_each(|packet| (ts[packet * 188], m2ts[packet * 192 + 4]) = (0x47, 0x47));
        for (bytes, expected) in [
            (&b"\0\0\0\x20ftypisom"[..], "isomp4"),
            (b"\0\0\0\x08wide\0\0\0\x20mdat", "isomp4"),
            (b"\x1a\x45\xdf\xa3", "matroska"),
            (b"RIFF....WAVE", "wave"),
            (b"RF64....WAVE", "wave"),
            (b"BW64....WAVE", "wave"),
            (b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb", "w64"),
            (b"RIFF....AVI LIST", "avi"),
            (b"FLV\x01\x05", "flv"),
            (b"#!AMR\n", "amr"),
            (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
            (b"wvpk....", "wavpack"),
            (b"MAC \x96\x0f", "ape"),
            (b"tBaK", "tak"),
            (b"OFR ", "optimfrog"),
            (b".snd", "au"),
            (b"TTA1", "tta"),
            (&ts, "mpegts"),
            (&m2ts, "mpegts"),
            (b"\x00\x00\x01\xba\x44", "mpegps"),
            (b"\x0b\x77\0\0\x14\x40", "ac3"),
            (b"\x89PNG\r\n\x1a\n", "png"),
            (b"PK\x03\x04", "zip"),
            (b"ID3\x04\0\0\0\0\0\x02..fLaC", "flac"),
        ] {
            assert_eq!(name(bytes), Some(expected), "{}", bytes[..bytes.len().min(16)].escape_ascii());
        }
    }

    #[test]
    fn playlists_and_manifests_are_not_recognised() {
        for bytes in [
            &b"ffconcat version 1.0\nfile '/etc/passwd'\n"[..],
            b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
            b"<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"/>",
            b"ID3\x04\0\0\0\0\0\x02..#EXTM3U\n",
            b"[playlist]\nFile1=http://localhost/\n",
            b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
            b"plain text",
            b"",
        ] {
            assert_eq!(name(bytes), None, "{}", bytes.escape_ascii());
        }
    }
}
