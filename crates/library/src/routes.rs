use axum::extract::State;
use http_kit::codes::{ARTIFACT_NOT_FOUND, INVALID_CURSOR, INVALID_QUERY};
use http_kit::{Json, Problem, Query, RequestContext};
use primitives::Page;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Library, LibrarySample, SampleQuery, SearchHit, SearchQuery};

/// The routes `/audio/samples` and `/search`.
pub fn router(library: Library) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list_samples)).routes(routes!(search)).with_state(library)
}

http_kit::error_responses!(ListSamplesErrors: INVALID_QUERY, INVALID_CURSOR, ARTIFACT_NOT_FOUND);

/// List samples of all recordings
///
/// Hits, loops and phrases that meet all conditions, or those that are similar to another sample. Values that were not
/// measured are null, and meet no condition.
#[utoipa::path(
    get, path = "/audio/samples", operation_id = "list_samples", tag = "library", params(SampleQuery),
    responses((status = 200, description = "A page.", body = Page<LibrarySample>), ListSamplesErrors)
)]
async fn list_samples(
    State(library): State<Library>,
    context: RequestContext,
    Query(query): Query<SampleQuery>,
) -> Result<Json<Page<LibrarySample>>, Problem> {
    Ok(Json(library.samples(&context, query).await?))
}

http_kit::error_responses!(SearchErrors: INVALID_QUERY, INVALID_CURSOR);

/// Search what was said in all recordings
///
/// Windows of words with their times and the places of the matches, the best first of each 200, the newest 200 first; a
/// page may be shorter than `limit`. Recordings are searched in their newest semantic timeline with words.
#[utoipa::path(
    get, path = "/search", operation_id = "search_words", tag = "library", params(SearchQuery),
    responses((status = 200, description = "A page.", body = Page<SearchHit>), SearchErrors)
)]
async fn search(
    State(library): State<Library>,
    context: RequestContext,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Page<SearchHit>>, Problem> {
    Ok(Json(library.search(&context, &query).await?))
}
