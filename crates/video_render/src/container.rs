//! Which demuxer reads a source, told from its first bytes.
//!
//! ffmpeg must not choose by itself: playlists, concatenation scripts and manifests are formats to it too, and
//! make it open other files and hosts. Only containers that hold their own media are named here, and ffmpeg is
//! held to the one that was found.

use std::io::{self, Read, Seek, SeekFrom};

/// A container that ffmpeg may read, and how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    /// The name of ffmpeg's demuxer.
    pub(crate) demuxer: &'static str,
}

impl Container {
    /// MP4 and MOV: what is rendered.
    pub(crate) const MOV: Self = Self { demuxer: "mov" };
}

const fn demuxer(demuxer: &'static str) -> Option<Container> {
    Some(Container { demuxer })
}

/// The container that `source` is, if it is one of those that are read.
///
/// # Errors
/// When reading fails.
pub(crate) fn sniff(mut source: impl Read + Seek) -> io::Result<Option<Container>> {
    let mut head = head(&mut source, 0)?;
    if let Some(length) = id3_length(&head) {
        head = self::head(&mut source, length)?;
        // A tag stands before MP3, AAC and sometimes FLAC only.
        return Ok(by_magic(&head).filter(|found| matches!(found.demuxer, "mp3" | "aac" | "flac")));
    }
    Ok(by_magic(&head))
}

fn head(source: &mut (impl Read + Seek), offset: u64) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::with_capacity(1_024);
    source.take(1_024).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The length of an ID3v2 tag with its header (id3.org, ID3v2.4 §3.1): four times seven bits.
fn id3_length(head: &[u8]) -> Option<u64> {
    let size = head.strip_prefix(b"ID3")?.get(3..7)?;
    let bits = size.iter().fold(0, |length, byte| length << 7 | u64::from(byte & 0x7f));
    Some(10 + bits)
}

fn by_magic(head: &[u8]) -> Option<Container> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    match head {
        _ if at(4, b"ftyp") || at(4, b"moov") || at(4, b"wide") || at(4, b"mdat") => demuxer("mov"),
        _ if at(0, b"\x1a\x45\xdf\xa3") => demuxer("matroska"),
        _ if (at(0, b"RIFF") || at(0, b"RF64")) && at(8, b"WAVE") => demuxer("wav"),
        _ if at(0, b"RIFF") && at(8, b"AVI ") => demuxer("avi"),
        _ if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) => demuxer("aiff"),
        _ if at(0, b"caff") => demuxer("caf"),
        _ if at(0, b"OggS") => demuxer("ogg"),
        _ if at(0, b"fLaC") => demuxer("flac"),
        _ if at(0, b"FLV\x01") => demuxer("flv"),
        _ if at(0, b"\x00\x00\x01\xba") => demuxer("mpeg"),
        _ if at(0, b"\x47") && at(188, b"\x47") && at(376, b"\x47") => demuxer("mpegts"),
        // Twelve or eleven bits of synchronisation; then the layer, 0 in ADTS and 1 to 3 in MPEG audio.
        [0xff, second, ..] if second & 0xf6 == 0xf0 => demuxer("aac"),
        [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => demuxer("mp3"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn name(bytes: &[u8]) -> Option<&'static str> {
        sniff(Cursor::new(bytes)).unwrap().map(|container| container.demuxer)
    }

    #[test]
    fn media_are_told_by_their_bytes() {
        assert_eq!(name(b"\0\0\0\x20ftypisom"), Some("mov"));
        assert_eq!(name(b"\x1a\x45\xdf\xa3"), Some("matroska"));
        assert_eq!(name(b"RIFF....AVI LIST"), Some("avi"));
        assert_eq!(name(b"\xff\xfb\x90\0"), Some("mp3"));
        assert_eq!(name(b"\xff\xf1\x50\0"), Some("aac"));
        assert_eq!(name(b"ID3\x04\0\0\0\0\0\x02..\xff\xfb\x90\0"), Some("mp3"));
    }

    #[test]
    fn what_leads_elsewhere_is_no_container() {
        for bytes in [
            &b"ffconcat version 1.0\nfile '/etc/passwd'\n"[..],
            b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
            b"<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"/>",
            b"ID3\x04\0\0\0\0\0\x02..#EXTM3U\n",
            b"[playlist]\nFile1=http://localhost/\n",
            b"\x89PNG\r\n\x1a\n",
            b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
            b"",
        ] {
            assert_eq!(name(bytes), None, "{}", bytes.escape_ascii());
        }
    }
}
