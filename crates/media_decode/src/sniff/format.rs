/// The kind of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// Audio streams without a video stream; attached cover art is not one.
    Audio,
    /// Video, with or without audio.
    Video,
    /// A still image, without audio.
    Image,
    /// Any other content, or unrecognised bytes.
    Other,
}

/// The reader of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// Read in this process, or by the named demuxer of ffmpeg.
    Native(&'static str),
    /// Read only by the named demuxer of ffmpeg.
    Ffmpeg(&'static str),
    /// Not read by any decoder here.
    None,
}

macro_rules! formats {
    ($($variant:ident = $name:literal, $title:literal, $kind:ident, $reader:expr, $media_type:literal;)*) => {
        /// A format that a file can have.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FileFormat { $(#[doc = $title] $variant,)* }

        impl FileFormat {
            /// All formats, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Short name of the format, e.g. `isomp4`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Full name of the format, e.g. `Core Audio Format`.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// The usual kind of a file of this format; the streams in a file decide its actual kind.
            #[must_use]
            pub const fn usual_kind(self) -> MediaKind {
                match self { $(Self::$variant => MediaKind::$kind,)* }
            }

            const fn reader(self) -> Reader {
                match self { $(Self::$variant => $reader,)* }
            }

            /// Media type of a file whose probed kind is `kind`.
            #[must_use]
            pub fn media_type(self, kind: MediaKind) -> &'static str {
                let (audio, video) = match self { $(Self::$variant => split($media_type),)* };
                if kind == MediaKind::Audio { audio } else { video }
            }
        }
    };
}

/// Splits `audio|video` into a pair; a single media type is used for both.
fn split(media_types: &'static str) -> (&'static str, &'static str) {
    media_types.split_once('|').unwrap_or((media_types, media_types))
}

use Reader::{Ffmpeg, Native};

formats! {
    IsoMp4 = "isomp4", "MP4, M4A, 3GP, QuickTime", Video, Native("mov"), "audio/mp4|video/mp4";
    QuickTime = "isomp4", "QuickTime by its brand", Video, Native("mov"), "audio/mp4|video/quicktime";
    BrandlessMp4 = "isomp4", "QuickTime and MP4 without `ftyp`", Video, Ffmpeg("mov"), "audio/mp4|video/quicktime";
    Matroska = "matroska", "Matroska", Video, Native("matroska"), "audio/x-matroska|video/x-matroska";
    WebM = "matroska", "WebM: Matroska by another document type", Video, Native("matroska"), "audio/webm|video/webm";
    Wave = "wave", "RIFF/WAVE, RF64 and BW64", Audio, Native("wav"), "audio/wav";
    Aiff = "aiff", "AIFF and AIFF-C", Audio, Native("aiff"), "audio/aiff";
    Caf = "caf", "Core Audio Format", Audio, Native("caf"), "audio/x-caf";
    Ogg = "ogg", "Ogg", Audio, Native("ogg"), "audio/ogg|video/ogg";
    Flac = "flac", "FLAC without a container", Audio, Native("flac"), "audio/flac";
    Mp3 = "mp3", "MPEG audio layers I to III", Audio, Native("mp3"), "audio/mpeg";
    Adts = "adts", "AAC in ADTS frames", Audio, Native("aac"), "audio/aac";
    W64 = "w64", "Sony Wave64", Audio, Ffmpeg("w64"), "application/octet-stream";
    Avi = "avi", "Audio Video Interleave", Video, Ffmpeg("avi"), "video/x-msvideo";
    Flv = "flv", "Flash Video", Video, Ffmpeg("flv"), "application/octet-stream";
    MpegTs = "mpegts", "MPEG transport stream, packets of 188, 192 or 204 bytes", Video, Ffmpeg("mpegts"), "application/octet-stream";
    MpegPs = "mpegps", "MPEG program stream, also VOB", Video, Ffmpeg("mpeg"), "application/octet-stream";
    MpegVideo = "mpegvideo", "MPEG video elementary stream", Video, Ffmpeg("mpegvideo"), "application/octet-stream";
    Amr = "amr", "Adaptive multi-rate speech, narrow or wide band", Audio, Ffmpeg("amr"), "audio/amr";
    Asf = "asf", "Advanced Systems Format: WMA and WMV", Video, Ffmpeg("asf"), "application/octet-stream";
    Ac3 = "ac3", "AC-3 elementary stream", Audio, Ffmpeg("ac3"), "application/octet-stream";
    Eac3 = "eac3", "E-AC-3 elementary stream", Audio, Ffmpeg("eac3"), "application/octet-stream";
    Dts = "dts", "DTS elementary stream", Audio, Ffmpeg("dts"), "application/octet-stream";
    Au = "au", "Sun audio", Audio, Ffmpeg("au"), "application/octet-stream";
    WavPack = "wavpack", "WavPack", Audio, Ffmpeg("wv"), "application/octet-stream";
    Ape = "ape", "Monkey's Audio", Audio, Ffmpeg("ape"), "application/octet-stream";
    Tak = "tak", "Tom's lossless audio kompressor", Audio, Ffmpeg("tak"), "application/octet-stream";
    Tta = "tta", "True Audio", Audio, Ffmpeg("tta"), "application/octet-stream";
    Musepack7 = "musepack", "Musepack, stream version 7", Audio, Ffmpeg("mpc"), "application/octet-stream";
    Musepack8 = "musepack", "Musepack, stream version 8", Audio, Ffmpeg("mpc8"), "application/octet-stream";
    Mxf = "mxf", "Material Exchange Format", Video, Ffmpeg("mxf"), "application/octet-stream";
    Dv = "dv", "DV in DIF blocks", Video, Ffmpeg("dv"), "application/octet-stream";
    Nut = "nut", "NUT", Video, Ffmpeg("nut"), "application/octet-stream";
    RealMedia = "rm", "RealMedia", Video, Ffmpeg("rm"), "application/octet-stream";
    Wtv = "wtv", "Windows Recorded TV", Video, Ffmpeg("wtv"), "application/octet-stream";
    Loas = "loas", "AAC in LOAS/LATM frames", Audio, Ffmpeg("loas"), "application/octet-stream";
    TrueHd = "truehd", "Dolby TrueHD elementary stream", Audio, Ffmpeg("truehd"), "application/octet-stream";
    Mlp = "mlp", "Meridian Lossless Packing", Audio, Ffmpeg("mlp"), "application/octet-stream";
    Voc = "voc", "Creative Voice", Audio, Ffmpeg("voc"), "application/octet-stream";
    Iff = "iff", "Interchange File Format 8SVX, and DSDIFF", Audio, Ffmpeg("iff"), "application/octet-stream";
    Dsf = "dsf", "DSD stream file", Audio, Ffmpeg("dsf"), "application/octet-stream";
    Shorten = "shn", "Shorten", Audio, Ffmpeg("shn"), "application/octet-stream";
    OptimFrog = "optimfrog", "OptimFROG, which no free decoder reads", Audio, Reader::None, "application/octet-stream";
    Png = "png", "PNG image", Image, Reader::None, "image/png";
    Jpeg = "jpeg", "JPEG image", Image, Reader::None, "image/jpeg";
    Gif = "gif", "GIF image", Image, Reader::None, "image/gif";
    Bmp = "bmp", "BMP image", Image, Reader::None, "image/bmp";
    Tiff = "tiff", "TIFF image", Image, Reader::None, "image/tiff";
    WebP = "webp", "WebP image", Image, Reader::None, "image/webp";
    Avif = "avif", "AVIF image", Image, Reader::None, "image/avif";
    Heic = "heic", "HEIC image", Image, Reader::None, "image/heic";
    Zip = "zip", "ZIP archive, also office documents", Other, Reader::None, "application/octet-stream";
    Tar = "tar", "tar archive", Other, Reader::None, "application/octet-stream";
    Compressed = "archive", "gzip, 7z, RAR, xz, bzip2 and zstd", Other, Reader::None, "application/octet-stream";
    Pdf = "pdf", "PDF document", Other, Reader::None, "application/octet-stream";
}

impl FileFormat {
    /// The only demuxer of ffmpeg that may read the format; `None` when no demuxer does.
    #[must_use]
    pub const fn ffmpeg_demuxer(self) -> Option<&'static str> {
        match self.reader() {
            Native(demuxer) | Ffmpeg(demuxer) => Some(demuxer),
            Reader::None => None,
        }
    }

    /// Whether the container is read in this process.
    #[must_use]
    pub const fn is_native(self) -> bool {
        matches!(self.reader(), Native(_))
    }

    /// Whether files of the format can hold audio or video.
    #[must_use]
    pub const fn is_media(self) -> bool {
        matches!(self.usual_kind(), MediaKind::Audio | MediaKind::Video)
    }
}
