//! The timeline over HTTP. Each file has the calls of one entity.

mod clips;
mod edits;
mod in_context;
mod projects;
mod sequences;
mod timelines;
mod tracks;

use axum::extract::DefaultBodyLimit;
use http_kit::{Id, PageParams};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Entity, Error};
use crate::page::Paging;
use crate::service::TimelineService;

/// The largest body of a call that makes many clips, in bytes.
const MAX_BATCH_BODY: usize = 16 << 20;

/// Routes that take larger bodies than others, and how many bytes.
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

/// An id in a path; one that cannot be names nothing.
fn path_id(kind: Entity, text: String) -> Result<Id, Error> {
    text.parse().map_err(|_| Error::NotFound { kind, id: text })
}

/// Which part of a listing.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Rows on the page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<ListQuery> for Paging {
    fn from(query: ListQuery) -> Self {
        Self { limit: query.limit.unwrap_or(PageParams::DEFAULT_LIMIT), cursor: query.cursor }
    }
}
