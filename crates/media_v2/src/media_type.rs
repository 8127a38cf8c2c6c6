//! Types of bytes, told by the bytes.

use crate::AssetKind;

/// What is handed out under its own name. All else goes as `application/octet-stream`: a page or a script
/// that somebody uploaded must not run in the service's name.
const SAFE: [&str; 26] = [
    "application/json",
    "audio/aac",
    "audio/aiff",
    "audio/amr",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "audio/x-caf",
    "audio/x-matroska",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heic",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "video/mp4",
    "video/ogg",
    "video/quicktime",
    "video/webm",
    "video/x-matroska",
    "video/x-msvideo",
];

const UNKNOWN: &str = "application/octet-stream";

/// `media_type` if it is safe to hand out, else `application/octet-stream`.
pub(crate) fn safe(media_type: &str) -> &'static str {
    SAFE.into_iter().find(|safe| *safe == media_type).unwrap_or(UNKNOWN)
}

/// May a browser show it in place?
pub(crate) fn is_shown_inline(media_type: &str) -> bool {
    media_type != UNKNOWN
}

/// The type of a file that begins with `head` (64 bytes suffice) and was found to be of `kind`: containers
/// hold sound or pictures alike.
pub(crate) fn sniff(head: &[u8], kind: AssetKind) -> &'static str {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let pick =
        |audio: &'static str, video: &'static str| if kind == AssetKind::Audio { audio } else { video };
    match head {
        _ if at(0, b"RIFF") && at(8, b"WAVE") || at(0, b"RF64") => "audio/wav",
        _ if at(0, b"RIFF") && at(8, b"WEBP") => "image/webp",
        _ if at(0, b"RIFF") && at(8, b"AVI ") => "video/x-msvideo",
        _ if at(0, b"FORM") && at(8, b"AIF") => "audio/aiff",
        _ if at(0, b"fLaC") => "audio/flac",
        _ if at(0, b"OggS") => pick("audio/ogg", "video/ogg"),
        _ if at(0, b"caff") => "audio/x-caf",
        _ if at(0, b"#!AMR") => "audio/amr",
        _ if at(4, b"ftypqt") => pick("audio/mp4", "video/quicktime"),
        _ if at(4, b"ftypavi") => "image/avif",
        _ if at(4, b"ftypheic") || at(4, b"ftypheix") || at(4, b"ftypmif1") => "image/heic",
        _ if at(4, b"ftyp") => pick("audio/mp4", "video/mp4"),
        _ if at(0, b"\x1a\x45\xdf\xa3") && head.windows(4).any(|word| word == b"webm") => {
            pick("audio/webm", "video/webm")
        }
        _ if at(0, b"\x1a\x45\xdf\xa3") => pick("audio/x-matroska", "video/x-matroska"),
        _ if at(0, b"\x89PNG\r\n\x1a\n") => "image/png",
        _ if at(0, b"\xff\xd8\xff") => "image/jpeg",
        _ if at(0, b"GIF8") => "image/gif",
        _ if at(0, b"II*\0") || at(0, b"MM\0*") => "image/tiff",
        _ if at(0, b"BM") && kind == AssetKind::Image => "image/bmp",
        [0xff, second, ..] if kind == AssetKind::Audio && second & 0xf6 == 0xf0 => "audio/aac",
        _ if kind == AssetKind::Audio && (at(0, b"ID3") || at(0, b"\xff")) => "audio/mpeg",
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_tell_their_type() {
        for (head, kind, expected) in [
            (&b"RIFF\0\0\0\0WAVEfmt "[..], AssetKind::Audio, "audio/wav"),
            (b"\0\0\0\x20ftypisom", AssetKind::Video, "video/mp4"),
            (b"\0\0\0\x20ftypM4A ", AssetKind::Audio, "audio/mp4"),
            (b"\x1a\x45\xdf\xa3....webm", AssetKind::Audio, "audio/webm"),
            (b"\xff\xfb\x90\0", AssetKind::Audio, "audio/mpeg"),
            (b"\xff\xf1\x50\0", AssetKind::Audio, "audio/aac"),
            (b"<html><script>", AssetKind::Other, UNKNOWN),
            (b"", AssetKind::Other, UNKNOWN),
        ] {
            assert_eq!(sniff(head, kind), expected, "{head:?}");
            assert_eq!(safe(expected), expected);
        }
        assert_eq!(safe("text/html"), UNKNOWN);
        assert_eq!(safe("image/svg+xml"), UNKNOWN);
    }
}
