//! Packets of a stream.

use media_time::MediaTime;

/// One packet of a stream, in the file's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Presentation timestamp (PTS), rounded to the microsecond.
    pub(crate) pts: MediaTime,
    /// Decoding timestamp (DTS), never after the PTS.
    pub(crate) dts: MediaTime,
    /// End of the presentation, if the file declares a duration; else the PTS.
    pub(crate) end: MediaTime,
    pub(crate) is_keyframe: bool,
}
