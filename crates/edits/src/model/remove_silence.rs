use media_time::MediaTime;
use primitives::Id;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Violations;
use crate::Error;

/// Body of `POST /edits/remove-silence`.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveSilence {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The recording to edit; it needs a semantic timeline.
    pub asset_id: Id,
    /// Duration of silence to keep before and after what is kept, in ms.
    #[serde(rename = "margin_ms", default = "default_margin", deserialize_with = "margin_or_null")]
    #[schema(value_type = f64, minimum = 0, maximum = 10_000, default = default_margin)]
    pub margin: MediaTime,
    /// Minimum duration of a silence to remove, in ms.
    #[serde(rename = "min_silence_ms", default = "default_silence", deserialize_with = "silence_or_null")]
    #[schema(value_type = f64, minimum = 50, maximum = 60_000, default = default_silence)]
    pub min_silence: MediaTime,
    /// Also remove fillers such as “um”; needs a timeline with words.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = false)]
    pub fillers: bool,
    /// Use the timeline of this audio stream; that of the container's default one if absent.
    pub audio_stream: Option<u32>,
}

http_kit::context_fields!(RemoveSilence);
http_kit::field_default!(default_margin, margin_or_null: MediaTime = MediaTime::from_millis(100));
http_kit::field_default!(default_silence, silence_or_null: MediaTime = MediaTime::from_millis(500));

impl RemoveSilence {
    /// # Errors
    /// [`Error::Invalid`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut violations = Violations::default();
        violations.range(self.margin, "/margin_ms", 0, 10_000);
        violations.range(self.min_silence, "/min_silence_ms", 50, 60_000);
        violations.result()
    }
}
