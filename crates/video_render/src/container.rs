//! Selects the demuxer of ffmpeg for a source.
//!
//! ffmpeg must not choose by itself: it also reads playlists, concatenation scripts and manifests, which make it open
//! other files and hosts.

use std::io::{self, Read, Seek};

use media_decode::FileFormat;

/// A container that ffmpeg may read, by its demuxer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    /// Name of ffmpeg's demuxer.
    pub(crate) demuxer: &'static str,
}

impl Container {
    /// MP4 and MOV, the containers of rendered files.
    pub(crate) const MOV: Self = Self { demuxer: "mov" };

    /// Whether ffmpeg seeks to a keyframe. Transport and program streams have no index: ffmpeg finds the last packet before
    /// a timestamp, whether the decoder can begin there or not.
    pub(crate) fn seeks_to_keyframes(self) -> bool {
        !matches!(self.demuxer, "mpegts" | "mpeg")
    }
}

/// The container of `source`; `None` when ffmpeg does not read it.
///
/// # Errors
/// When reading fails.
pub(crate) fn sniff(mut source: impl Read + Seek) -> io::Result<Option<Container>> {
    let format = media_decode::sniff(&mut source)?;
    Ok(format.and_then(FileFormat::ffmpeg_demuxer).map(|demuxer| Container { demuxer }))
}
