use media_decode::SourceTimecode;
use serde::{Deserialize, Serialize};

/// The source timecode of the first frame or sample of a file, as a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StartTimecode {
    /// Frames since midnight; samples for Broadcast WAVE.
    pub count: u64,
    /// Numerator of the frames, or samples, per second: 30000 for 29.97.
    pub rate_numerator: u32,
    /// Denominator of the frames, or samples, per second: 1001 for 29.97.
    pub rate_denominator: u32,
    /// Whether the timecode skips frame numbers to keep up with the clock (29.97 and 59.94).
    pub drop_frame: bool,
}

impl From<SourceTimecode> for StartTimecode {
    fn from(found: SourceTimecode) -> Self {
        let SourceTimecode { count, rate: (rate_numerator, rate_denominator), drop_frame } = found;
        Self { count, rate_numerator, rate_denominator, drop_frame }
    }
}
