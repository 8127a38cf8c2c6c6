//! The HTTP interface of media_v2.

mod artifacts;
mod assets;
mod content;
mod upload;
mod waveform;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::upload::broken_form;
use crate::MediaService;

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
