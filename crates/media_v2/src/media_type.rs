//! Media types under which content is served.

/// Media types that are served unchanged. All other content is served as `application/octet-stream`: an uploaded page
/// or script must not run in the origin of the service.
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

pub(crate) const UNKNOWN: &str = "application/octet-stream";

/// `media_type` if it is safe to serve, else `application/octet-stream`.
pub(crate) fn safe(media_type: &str) -> &'static str {
    SAFE.into_iter().find(|safe| *safe == media_type).unwrap_or(UNKNOWN)
}

/// Whether a browser may display the content inline.
pub(crate) fn is_shown_inline(media_type: &str) -> bool {
    media_type != UNKNOWN
}

#[cfg(test)]
mod tests {
    use media_decode::{FileFormat, MediaKind};

    use super::*;

    #[test]
    fn media_types_of_all_formats_are_safe() {
        for format in FileFormat::ALL {
            for kind in [MediaKind::Audio, MediaKind::Video, MediaKind::Image, MediaKind::Other] {
                let media_type = format.media_type(kind);
                assert_eq!(safe(media_type), media_type, "{format:?}");
            }
        }
        assert_eq!(FileFormat::IsoMp4.media_type(MediaKind::Audio), "audio/mp4");
        assert_eq!(FileFormat::WebM.media_type(MediaKind::Video), "video/webm");
        assert_eq!(safe("text/html"), UNKNOWN);
        assert_eq!(safe("image/svg+xml"), UNKNOWN);
    }
}
