//! The request for a single detector: the same fields for each, and the parameters of the detector.

use primitives::Id;

/// A request for one detector.
pub trait DetectRequest {
    /// The detector with its parameters.
    type Params;

    /// The asset of the recording.
    fn asset_id(&self) -> &Id;
    /// Index among the audio streams; `None` for the container's default stream.
    fn audio_stream(&self) -> Option<u32>;
    /// Parameters of the detector.
    fn params(&self) -> &Self::Params;
    /// Minimum score of a sample, 0 to 1.
    fn min_quality_score(&self) -> f64;
}

/// Defines the wire type of a request for one detector: like [`SamplesRequest`](crate::model::SamplesRequest), with the
/// parameters of that detector only.
macro_rules! detector_request {
    ($(#[$doc:meta])* $name:ident, $field:ident: $params:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, ::serde::Deserialize, ::utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Alternative to the header `X-Tenant-Id`.
            pub tenant_id: Option<String>,
            /// Alternative to the header `X-Env`.
            pub env: Option<String>,
            /// Alternative to the header `X-User-Id`.
            pub user_id: Option<String>,
            /// The asset of the recording.
            pub asset_id: ::http_kit::Id,
            /// The audio stream to take the samples from, by its index among the audio streams of the recording; the
            /// container's default stream when absent.
            pub audio_stream: Option<u32>,
            /// Parameters of the detector.
            #[serde(default, deserialize_with = "http_kit::null_as_default")]
            #[schema(default = $params::default)]
            pub $field: $params,
            /// Minimum score, 0 to 1; samples below it are left out and counted.
            #[serde(default, deserialize_with = "http_kit::null_as_default")]
            #[schema(default = 0.0, minimum = 0, maximum = 1)]
            pub min_quality_score: f64,
        }

        ::http_kit::context_fields!($name);

        impl $crate::request::DetectRequest for $name {
            type Params = $params;

            fn asset_id(&self) -> &::http_kit::Id {
                &self.asset_id
            }

            fn audio_stream(&self) -> Option<u32> {
                self.audio_stream
            }

            fn params(&self) -> &$params {
                &self.$field
            }

            fn min_quality_score(&self) -> f64 {
                self.min_quality_score
            }
        }
    };
}
pub(crate) use detector_request;
