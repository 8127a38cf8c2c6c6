/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// Audio only.
    Audio,
    /// Video, with or without audio.
    Video,
    /// A still image.
    Image,
    /// Anything else.
    Other,
}

/// How a format is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// In this process, or by that demuxer of ffmpeg.
    Native(&'static str),
    /// Only by that demuxer of ffmpeg.
    Ffmpeg(&'static str),
    /// By nothing here.
    None,
}

macro_rules! formats {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $kind:ident, $reader:expr, $media_type:literal;)*) => {
        /// A format that a file can have.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FileFormat { $($(#[$doc])* $variant,)* }

        impl FileFormat {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its short name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What a file of it usually is; what it holds decides.
            #[must_use]
            pub const fn usual_kind(self) -> MediaKind {
                match self { $(Self::$variant => MediaKind::$kind,)* }
            }

            const fn reader(self) -> Reader {
                match self { $(Self::$variant => $reader,)* }
            }

            /// Media type of a file that was found to be of `kind`.
            #[must_use]
            pub fn media_type(self, kind: MediaKind) -> &'static str {
                let (audio, video) = match self { $(Self::$variant => split($media_type),)* };
                if kind == MediaKind::Audio { audio } else { video }
            }
        }
    };
}

/// `audio|video` as a pair; one type stands for both.
fn split(media_types: &'static str) -> (&'static str, &'static str) {
    media_types.split_once('|').unwrap_or((media_types, media_types))
}

use Reader::{Ffmpeg, Native};

formats! {
    /// MP4, M4A, 3GP, QuickTime.
    IsoMp4 = "isomp4", Video, Native("mov"), "audio/mp4|video/mp4";
    /// QuickTime by its brand.
    QuickTime = "isomp4", Video, Native("mov"), "audio/mp4|video/quicktime";
    /// QuickTime and MP4 without `ftyp`.
    BrandlessMp4 = "isomp4", Video, Ffmpeg("mov"), "audio/mp4|video/quicktime";
    /// Matroska.
    Matroska = "matroska", Video, Native("matroska"), "audio/x-matroska|video/x-matroska";
    /// WebM: Matroska by another document type.
    WebM = "matroska", Video, Native("matroska"), "audio/webm|video/webm";
    /// RIFF/WAVE, RF64 and BW64.
    Wave = "wave", Audio, Native("wav"), "audio/wav";
    /// AIFF and AIFF-C.
    Aiff = "aiff", Audio, Native("aiff"), "audio/aiff";
    /// Core Audio Format.
    Caf = "caf", Audio, Native("caf"), "audio/x-caf";
    /// Ogg.
    Ogg = "ogg", Audio, Native("ogg"), "audio/ogg|video/ogg";
    /// FLAC without a container.
    Flac = "flac", Audio, Native("flac"), "audio/flac";
    /// MPEG audio layers I to III.
    Mp3 = "mp3", Audio, Native("mp3"), "audio/mpeg";
    /// AAC in ADTS frames.
    Adts = "adts", Audio, Native("aac"), "audio/aac";
    /// Sony Wave64.
    W64 = "w64", Audio, Ffmpeg("w64"), "application/octet-stream";
    /// Audio Video Interleave.
    Avi = "avi", Video, Ffmpeg("avi"), "video/x-msvideo";
    /// Flash Video.
    Flv = "flv", Video, Ffmpeg("flv"), "application/octet-stream";
    /// MPEG transport stream, packets of 188, 192 or 204 bytes.
    MpegTs = "mpegts", Video, Ffmpeg("mpegts"), "application/octet-stream";
    /// MPEG program stream, also VOB.
    MpegPs = "mpegps", Video, Ffmpeg("mpeg"), "application/octet-stream";
    /// MPEG video elementary stream.
    MpegVideo = "mpegvideo", Video, Ffmpeg("mpegvideo"), "application/octet-stream";
    /// Adaptive multi-rate speech, narrow or wide band.
    Amr = "amr", Audio, Ffmpeg("amr"), "audio/amr";
    /// Advanced Systems Format: WMA and WMV.
    Asf = "asf", Video, Ffmpeg("asf"), "application/octet-stream";
    /// AC-3 elementary stream.
    Ac3 = "ac3", Audio, Ffmpeg("ac3"), "application/octet-stream";
    /// E-AC-3 elementary stream.
    Eac3 = "eac3", Audio, Ffmpeg("eac3"), "application/octet-stream";
    /// DTS elementary stream.
    Dts = "dts", Audio, Ffmpeg("dts"), "application/octet-stream";
    /// Sun audio.
    Au = "au", Audio, Ffmpeg("au"), "application/octet-stream";
    /// WavPack.
    WavPack = "wavpack", Audio, Ffmpeg("wv"), "application/octet-stream";
    /// Monkey's Audio.
    Ape = "ape", Audio, Ffmpeg("ape"), "application/octet-stream";
    /// Tom's lossless audio kompressor.
    Tak = "tak", Audio, Ffmpeg("tak"), "application/octet-stream";
    /// True Audio.
    Tta = "tta", Audio, Ffmpeg("tta"), "application/octet-stream";
    /// Musepack, stream version 7.
    Musepack7 = "musepack", Audio, Ffmpeg("mpc"), "application/octet-stream";
    /// Musepack, stream version 8.
    Musepack8 = "musepack", Audio, Ffmpeg("mpc8"), "application/octet-stream";
    /// Material Exchange Format.
    Mxf = "mxf", Video, Ffmpeg("mxf"), "application/octet-stream";
    /// DV in DIF blocks.
    Dv = "dv", Video, Ffmpeg("dv"), "application/octet-stream";
    /// NUT.
    Nut = "nut", Video, Ffmpeg("nut"), "application/octet-stream";
    /// RealMedia.
    RealMedia = "rm", Video, Ffmpeg("rm"), "application/octet-stream";
    /// Creative Voice.
    Voc = "voc", Audio, Ffmpeg("voc"), "application/octet-stream";
    /// Interchange File Format 8SVX, and DSDIFF.
    Iff = "iff", Audio, Ffmpeg("iff"), "application/octet-stream";
    /// DSD stream file.
    Dsf = "dsf", Audio, Ffmpeg("dsf"), "application/octet-stream";
    /// Shorten.
    Shorten = "shn", Audio, Ffmpeg("shn"), "application/octet-stream";
    /// OptimFROG, which no free decoder reads.
    OptimFrog = "optimfrog", Audio, Reader::None, "application/octet-stream";
    /// PNG image.
    Png = "png", Image, Reader::None, "image/png";
    /// JPEG image.
    Jpeg = "jpeg", Image, Reader::None, "image/jpeg";
    /// GIF image.
    Gif = "gif", Image, Reader::None, "image/gif";
    /// BMP image.
    Bmp = "bmp", Image, Reader::None, "image/bmp";
    /// TIFF image.
    Tiff = "tiff", Image, Reader::None, "image/tiff";
    /// WebP image.
    WebP = "webp", Image, Reader::None, "image/webp";
    /// AVIF image.
    Avif = "avif", Image, Reader::None, "image/avif";
    /// HEIC image.
    Heic = "heic", Image, Reader::None, "image/heic";
    /// ZIP archive, also office documents.
    Zip = "zip", Other, Reader::None, "application/octet-stream";
    /// tar archive.
    Tar = "tar", Other, Reader::None, "application/octet-stream";
    /// gzip, 7z, RAR, xz, bzip2 and zstd.
    Compressed = "archive", Other, Reader::None, "application/octet-stream";
    /// PDF document.
    Pdf = "pdf", Other, Reader::None, "application/octet-stream";
}

impl FileFormat {
    /// The demuxer of ffmpeg that reads it, the only one that may.
    #[must_use]
    pub const fn ffmpeg_demuxer(self) -> Option<&'static str> {
        match self.reader() {
            Native(demuxer) | Ffmpeg(demuxer) => Some(demuxer),
            Reader::None => None,
        }
    }

    /// Is its container read in this process?
    #[must_use]
    pub const fn is_native(self) -> bool {
        matches!(self.reader(), Native(_))
    }

    /// Can it hold audio or video?
    #[must_use]
    pub const fn is_media(self) -> bool {
        matches!(self.usual_kind(), MediaKind::Audio | MediaKind::Video)
    }
}
