use axum::extract::State;
use http::StatusCode;
use http_kit::codes::{INVALID_BODY, INVALID_CURSOR, INVALID_QUERY};
use http_kit::{ContextJson, InContext, Json, Path, Problem, Query, RequestContext, path_id};
use primitives::Page;

use super::parameters::ListQuery;
use crate::codes::PROJECT_NOT_FOUND;
use crate::model::{NewProject, Project, ProjectPatch};
use crate::service::TimelineService;

type NewProjectRequest = InContext<NewProject>;
type ProjectPatchRequest = InContext<ProjectPatch>;

http_kit::error_responses!(CreateErrors: INVALID_BODY);

/// Create a project.
#[utoipa::path(post, path = "/video/projects", operation_id = "create_project", tag = "video_timeline",
    request_body = NewProjectRequest,
    responses((status = 201, body = Project), CreateErrors))]
pub(super) async fn create(
    State(service): State<TimelineService>,
    ContextJson(context, new): ContextJson<NewProjectRequest>,
) -> Result<(StatusCode, Json<Project>), Problem> {
    let project = service.create_project(&context, new.body).await?;
    Ok((StatusCode::CREATED, Json(project)))
}

http_kit::error_responses!(ListErrors: INVALID_QUERY, INVALID_CURSOR);

/// List the projects, newest first.
#[utoipa::path(get, path = "/video/projects",
    operation_id = "list_projects", tag = "video_timeline", params(ListQuery),
    responses((status = 200, body = Page<Project>), ListErrors))]
pub(super) async fn list(
    State(service): State<TimelineService>,
    context: RequestContext,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Project>>, Problem> {
    Ok(Json(service.projects(&context, &query.try_into()?).await?))
}

http_kit::error_responses!(ProjectErrors: PROJECT_NOT_FOUND);

/// Get a project by its id.
#[utoipa::path(get, path = "/video/projects/{project_id}",
    operation_id = "get_project", tag = "video_timeline",
    params(("project_id" = String, Path)),
    responses((status = 200, body = Project), ProjectErrors))]
pub(super) async fn read(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    context: RequestContext,
) -> Result<Json<Project>, Problem> {
    let id = path_id(&id, PROJECT_NOT_FOUND)?;
    Ok(Json(service.get(&context, &id).await?))
}

http_kit::error_responses!(UpdateErrors: PROJECT_NOT_FOUND, INVALID_BODY);

/// Change fields of a project.
#[utoipa::path(patch, path = "/video/projects/{project_id}",
    operation_id = "update_project", tag = "video_timeline",
    params(("project_id" = String, Path)), request_body = ProjectPatchRequest,
    responses((status = 200, body = Project), UpdateErrors))]
pub(super) async fn update(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    ContextJson(context, patch): ContextJson<ProjectPatchRequest>,
) -> Result<Json<Project>, Problem> {
    let id = path_id(&id, PROJECT_NOT_FOUND)?;
    Ok(Json(service.update::<Project>(&context, &id, &patch.body).await?))
}

/// Delete a project with its sequences, tracks and clips.
#[utoipa::path(delete, path = "/video/projects/{project_id}",
    operation_id = "delete_project", tag = "video_timeline",
    params(("project_id" = String, Path)),
    responses((status = 204, description = "deleted"), ProjectErrors))]
pub(super) async fn delete(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    context: RequestContext,
) -> Result<StatusCode, Problem> {
    let id = path_id(&id, PROJECT_NOT_FOUND)?;
    service.delete::<Project>(&context, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
