//! The HTTP interface of media_v2.

mod artifacts;
mod assets;
mod content;
mod upload;

pub use upload::broken_form;
mod waveform;

use primitives::Id;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{MediaError, MediaService};

/// The routes under `/media-v2`.
pub fn router(service: MediaService) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(assets::create_asset, assets::list_assets))
        .routes(routes!(assets::get_asset))
        .routes(routes!(content::asset_content))
        .routes(routes!(waveform::asset_waveform))
        .routes(routes!(artifacts::create_artifact, artifacts::list_artifacts))
        .routes(routes!(artifacts::get_artifact))
        .routes(routes!(content::artifact_content))
        .routes(routes!(waveform::artifact_waveform))
        .with_state(service)
}

/// Parses an asset id; a malformed id is answered as not found.
fn asset_id(text: &str) -> Result<Id, MediaError> {
    text.parse().map_err(|_| MediaError::asset_not_found(text))
}

/// Parses an artifact id; a malformed id is answered as not found.
fn artifact_id(text: &str) -> Result<Id, MediaError> {
    text.parse().map_err(|_| MediaError::artifact_not_found(text))
}
