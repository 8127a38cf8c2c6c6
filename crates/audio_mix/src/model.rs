use media_time::MediaTime;
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A pattern as a WAVE file.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PatternRender {
    /// The file, as an asset.
    pub asset_id: Id,
    /// The `render` artifact of that asset; upstream are the samples.
    pub artifact_id: Id,
    /// URI of the bytes: 32-bit floats, stereo, 48 kHz.
    pub uri: String,
    /// The pattern.
    pub pattern_id: Id,
    /// Duration of the file, in ms.
    #[serde(rename = "duration_ms")]
    pub duration: MediaTime,
    /// Gain in dB by which the mix was lowered to a true peak of −1 dBTP; 0 if it was not.
    pub gain_db: f64,
}

/// Body of `POST /audio/patterns/{pattern_id}/render`.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatternRenderRequest {
    /// Alternative to the header `X-Tenant-Id`.
    #[serde(default)]
    pub(crate) tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    #[serde(default)]
    pub(crate) env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    #[serde(default)]
    pub(crate) user_id: Option<String>,
}

http_kit::context_fields!(PatternRenderRequest);
