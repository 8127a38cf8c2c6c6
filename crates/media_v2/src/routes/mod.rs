//! The HTTP interface of media_v2.

mod artifacts;
mod assets;
mod content;
mod tus;
mod upload;
mod uploads;
mod waveform;

use axum::routing::{options, post};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::tus::tus_headers;
pub use self::upload::broken_form;
use crate::MediaService;

/// The routes under `/media-v2`.
pub fn router(service: MediaService) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(assets::create_asset, assets::list_assets))
        .routes(routes!(assets::get_asset, assets::update_asset))
        .routes(routes!(content::asset_content))
        .routes(routes!(waveform::asset_waveform))
        .routes(routes!(artifacts::create_artifact, artifacts::list_artifacts))
        .routes(routes!(artifacts::list_all_artifacts))
        .routes(routes!(artifacts::get_artifact))
        .routes(routes!(content::artifact_content))
        .routes(routes!(waveform::artifact_waveform))
        .routes(routes!(uploads::create_upload))
        .routes(routes!(uploads::get_upload, uploads::patch_upload, uploads::delete_upload))
        .route("/media-v2/uploads", options(uploads::upload_options))
        .route("/media-v2/uploads/{id}", post(uploads::overridden))
        .with_state(service)
}
