//! Which demuxer of ffmpeg reads a source.
//!
//! ffmpeg must not choose by itself: playlists, concatenation scripts and manifests are formats to it too, and make it
//! open other files and hosts.

use std::io::{self, Read, Seek};

use media_decode::FileFormat;

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

/// The container of `source`, if it is one that ffmpeg reads.
///
/// # Errors
/// When reading fails.
pub(crate) fn sniff(mut source: impl Read + Seek) -> io::Result<Option<Container>> {
    let format = media_decode::sniff(&mut source)?;
    Ok(format.and_then(FileFormat::ffmpeg_demuxer).map(|demuxer| Container { demuxer }))
}
