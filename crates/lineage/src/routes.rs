use axum::extract::State;
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_CURSOR, INVALID_QUERY};
use http_kit::{Json, Path, Problem, Query, RequestContext, path_id};
use primitives::Page;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use video_timeline::codes::TIMELINE_UNAVAILABLE;

use crate::{ArtifactLineage, Direction, Lineages, Usage, UsageQuery};

/// The lineage routes, under `/media-v2`.
pub fn router(lineages: Lineages) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get_lineage)).routes(routes!(list_usages)).with_state(lineages)
}

/// Selects the direction of a lineage.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LineageQuery {
    /// `up` (the default) to the artifacts it was derived from, `down` to those derived from it.
    #[serde(default)]
    #[param(inline)]
    direction: Direction,
}

http_kit::error_responses!(GetLineageErrors: ARTIFACT_NOT_FOUND, INVALID_QUERY, TIMELINE_UNAVAILABLE);

/// Get the lineage of an artifact
///
/// The derivation graph with windows, source recordings, origin maps, and the timeline clips of its artifacts.
#[utoipa::path(
    get, path = "/media-v2/artifacts/{id}/lineage", operation_id = "get_artifact_lineage", tag = "lineage",
    params(("id" = String, Path, description = "artifact"), LineageQuery),
    responses((status = 200, description = "The graph.", body = ArtifactLineage), GetLineageErrors)
)]
async fn get_lineage(
    State(lineages): State<Lineages>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(LineageQuery { direction }): Query<LineageQuery>,
) -> Result<Json<ArtifactLineage>, Problem> {
    let id = path_id(&id, ARTIFACT_NOT_FOUND)?;
    Ok(Json(lineages.lineage(&context, id, direction).await?))
}

http_kit::error_responses!(ListUsagesErrors:
    ASSET_NOT_FOUND, INVALID_QUERY, INVALID_CURSOR, TIMELINE_UNAVAILABLE,
);

/// List the uses of a window of a recording
///
/// Samples, shot lists, clips and renders, with an entry for each window of the recording that one uses, by start of
/// that window, then by kind, then by id. The requested window and the used ones are half-open.
#[utoipa::path(
    get, path = "/media-v2/assets/{id}/usages", operation_id = "list_asset_usages", tag = "lineage",
    params(("id" = String, Path, description = "the asset"), UsageQuery),
    responses((status = 200, description = "A page.", body = Page<Usage>), ListUsagesErrors)
)]
async fn list_usages(
    State(lineages): State<Lineages>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<UsageQuery>,
) -> Result<Json<Page<Usage>>, Problem> {
    let id = path_id(&id, ASSET_NOT_FOUND)?;
    Ok(Json(lineages.usages(&context, &id, &query).await?))
}
