//! Packets of a stream.

use media_time::FileTime;

/// One packet of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Presentation timestamp (PTS), rounded to the microsecond.
    pub(crate) pts: FileTime,
    /// Decoding timestamp (DTS), never after the PTS.
    pub(crate) dts: FileTime,
    /// End of the presentation, if the file declares a duration; else the PTS.
    pub(crate) end: FileTime,
    pub(crate) is_keyframe: bool,
}
