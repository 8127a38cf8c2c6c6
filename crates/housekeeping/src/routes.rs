use axum::extract::State;
use axum::http::StatusCode;
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_QUERY};
use http_kit::{Json, NoQuery, Path, Problem, Query, RequestContext, path_id};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use video_timeline::codes::TIMELINE_UNAVAILABLE;

use crate::codes::{ARTIFACT_IN_USE, ASSET_IN_USE};
use crate::{Housekeeping, OwnerFigures, Removal};

/// The routes `DELETE /media-v2/assets/{id}`, `DELETE /media-v2/artifacts/{id}` and `GET /usage`.
pub fn router(housekeeping: Housekeeping) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(delete_asset))
        .routes(routes!(delete_artifact))
        .routes(routes!(get_usage))
        .with_state(housekeeping)
}

/// What is removed with a recording or artifact.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// Whether to also remove what was made with it: shot lists, films, clips, snippets, patterns, registered artifacts.
    #[serde(default)]
    #[param(default = false)]
    cascade: bool,
}

http_kit::error_responses!(DeleteAssetErrors:
    ASSET_NOT_FOUND, ASSET_IN_USE, INVALID_QUERY, TIMELINE_UNAVAILABLE,
);

/// Delete a recording with all that derives from it
///
/// All or nothing. Timelines, transcripts and samples that the service made of it are deleted with it. Anything else that
/// refers to it keeps it: the problem then has the number of usages by kind (`usage_counts`) and the first 20 of each kind
/// (`usages`: `kind`, `id`, `project_id` of clips). The bytes are removed later, unless another asset has them.
#[utoipa::path(
    delete, path = "/media-v2/assets/{id}", operation_id = "delete_asset", tag = "media_v2",
    params(("id" = String, Path, description = "asset"), DeleteQuery),
    responses((status = 204, description = "Deleted."), DeleteAssetErrors)
)]
async fn delete_asset(
    State(housekeeping): State<Housekeeping>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(DeleteQuery { cascade }): Query<DeleteQuery>,
) -> Result<StatusCode, Problem> {
    let id = path_id(&id, ASSET_NOT_FOUND)?;
    housekeeping.remove_asset(&context, &id, Removal { cascade, dry_run: false }).await?;
    Ok(StatusCode::NO_CONTENT)
}

http_kit::error_responses!(DeleteArtifactErrors: ARTIFACT_NOT_FOUND, ARTIFACT_IN_USE, INVALID_QUERY);

/// Delete an artifact with all that derives from it
///
/// All or nothing, by the rules of recordings: what the service measured from the artifact is deleted with it, anything else
/// that refers to it keeps it. The file of a deleted render is deleted, too, unless another render has it. The service makes
/// its own measurements again on request.
#[utoipa::path(
    delete, path = "/media-v2/artifacts/{id}", operation_id = "delete_artifact", tag = "media_v2",
    params(("id" = String, Path, description = "artifact"), DeleteQuery),
    responses((status = 204, description = "Deleted."), DeleteArtifactErrors)
)]
async fn delete_artifact(
    State(housekeeping): State<Housekeeping>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(DeleteQuery { cascade }): Query<DeleteQuery>,
) -> Result<StatusCode, Problem> {
    let id = path_id(&id, ARTIFACT_NOT_FOUND)?;
    housekeeping.remove_artifact(&context.scope, &id, Removal { cascade, dry_run: false }).await?;
    Ok(StatusCode::NO_CONTENT)
}

http_kit::error_responses!(GetUsageErrors: INVALID_QUERY);

/// Get the figures of the owner
///
/// What tenant and environment have stored, how much audio was analysed for them, and which of their uploads and jobs have
/// not ended.
#[utoipa::path(
    get, path = "/usage", operation_id = "get_usage", tag = "media_v2",
    responses((status = 200, description = "The figures.", body = OwnerFigures), GetUsageErrors)
)]
async fn get_usage(
    State(housekeeping): State<Housekeeping>,
    context: RequestContext,
    _query: NoQuery,
) -> Result<Json<OwnerFigures>, Problem> {
    Ok(Json(housekeeping.figures(&context.scope).await?))
}
