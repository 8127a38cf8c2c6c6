use media_time::MediaTime;
use serde::{Deserialize, Serialize};

/// A piece of the window of an [`OriginMap`](crate::OriginMap).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClipOffset {
    /// Start of the piece, in milliseconds from the window's start.
    #[serde(rename = "offset_ms")]
    #[schema(value_type = f64, minimum = 0)]
    pub offset: MediaTime,
    /// Duration of the piece in milliseconds; more than 0.
    #[serde(rename = "duration_ms")]
    #[schema(value_type = f64, exclusive_minimum = 0)]
    pub duration: MediaTime,
}
