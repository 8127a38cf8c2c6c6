//! The HTTP routes of the timeline, one file per entity.

mod clips;
mod edits;
mod parameters;
mod projects;
mod sequences;
mod timelines;
mod tracks;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::TimelineService;

/// Maximum body size of a call that creates many clips, in bytes.
const MAX_BATCH_BODY: usize = 16 << 20;

/// Routes that accept larger bodies than others, with their limits in bytes.
pub const BODY_LIMITS: &[(&str, usize)] =
    &[("/video/timelines", MAX_BATCH_BODY), ("/video/tracks/{track_id}/clips/batch", MAX_BATCH_BODY)];

/// The routes under `/video`, served by `service`. Every call acts for the owner in its context.
pub fn router(service: TimelineService) -> OpenApiRouter {
    let batches = OpenApiRouter::new()
        .routes(routes!(clips::create_many))
        .routes(routes!(timelines::create))
        .layer(DefaultBodyLimit::max(MAX_BATCH_BODY));
    OpenApiRouter::new()
        .routes(routes!(projects::create, projects::list))
        .routes(routes!(projects::read, projects::update, projects::delete))
        .routes(routes!(sequences::create, sequences::list))
        .routes(routes!(sequences::read, sequences::update, sequences::delete))
        .routes(routes!(tracks::create, tracks::list))
        .routes(routes!(tracks::read, tracks::update, tracks::delete))
        .routes(routes!(clips::create, clips::list_of_track))
        .routes(routes!(clips::list_of_sequence))
        .routes(routes!(clips::list_uses))
        .routes(routes!(clips::read, clips::update, clips::delete))
        .routes(routes!(edits::trim))
        .routes(routes!(edits::split))
        .routes(routes!(edits::move_to))
        .merge(batches)
        .with_state(service)
}
