use axum::extract::State;
use http::StatusCode;
use http_kit::{ContextJson, Json, Path, Problem, Query, RequestContext};
use primitives::Page;

use super::in_context::InContext;
use super::{ListQuery, path_id};
use crate::error::Entity;
use crate::model::{NewSequence, Sequence, SequencePatch};
use crate::service::TimelineService;

type NewSequenceRequest = InContext<NewSequence>;
type SequencePatchRequest = InContext<SequencePatch>;

/// Create a sequence of a project.
#[utoipa::path(post, path = "/video/projects/{project_id}/sequences",
    operation_id = "create_sequence", tag = "video_timeline",
    params(("project_id" = String, Path)), request_body = NewSequenceRequest,
    responses(
        (status = 201, body = Sequence),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`project_not_found`"),
        (status = 422, description = "`invalid_body`"),
    ))]
pub(super) async fn create(
    State(service): State<TimelineService>,
    Path(project_id): Path<String>,
    ContextJson(context, new): ContextJson<NewSequenceRequest>,
) -> Result<(StatusCode, Json<Sequence>), Problem> {
    let project_id = path_id(Entity::Project, project_id)?;
    let sequence = service.make_sequence(&context, &project_id, &new.body).await?;
    Ok((StatusCode::CREATED, Json(sequence)))
}

/// List the sequences of a project, by position.
#[utoipa::path(get, path = "/video/projects/{project_id}/sequences",
    operation_id = "list_sequences", tag = "video_timeline",
    params(("project_id" = String, Path), ListQuery),
    responses(
        (status = 200, body = Page<Sequence>),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`project_not_found`"),
        (status = 422, description = "`invalid_query`, `invalid_cursor`"),
    ))]
pub(super) async fn list(
    State(service): State<TimelineService>,
    Path(project_id): Path<String>,
    context: RequestContext,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Sequence>>, Problem> {
    let project_id = path_id(Entity::Project, project_id)?;
    Ok(Json(service.sequences(&context, &project_id, &query.try_into()?).await?))
}

/// Get a sequence by its id.
#[utoipa::path(get, path = "/video/sequences/{sequence_id}",
    operation_id = "get_sequence", tag = "video_timeline",
    params(("sequence_id" = String, Path)),
    responses(
        (status = 200, body = Sequence),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`sequence_not_found`"),
    ))]
pub(super) async fn read(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    context: RequestContext,
) -> Result<Json<Sequence>, Problem> {
    let id = path_id(Entity::Sequence, id)?;
    Ok(Json(service.sequence(&context, &id).await?))
}

/// Change fields of a sequence.
#[utoipa::path(patch, path = "/video/sequences/{sequence_id}",
    operation_id = "update_sequence", tag = "video_timeline",
    params(("sequence_id" = String, Path)), request_body = SequencePatchRequest,
    responses(
        (status = 200, body = Sequence),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`sequence_not_found`"),
        (status = 422, description = "`invalid_body`"),
    ))]
pub(super) async fn update(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    ContextJson(context, patch): ContextJson<SequencePatchRequest>,
) -> Result<Json<Sequence>, Problem> {
    let id = path_id(Entity::Sequence, id)?;
    Ok(Json(service.update_sequence(&context, &id, &patch.body).await?))
}

/// Delete a sequence with its tracks and clips.
#[utoipa::path(delete, path = "/video/sequences/{sequence_id}",
    operation_id = "delete_sequence", tag = "video_timeline",
    params(("sequence_id" = String, Path)),
    responses(
        (status = 204, description = "deleted"),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`sequence_not_found`"),
    ))]
pub(super) async fn delete(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    context: RequestContext,
) -> Result<StatusCode, Problem> {
    let id = path_id(Entity::Sequence, id)?;
    service.delete_sequence(&context, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
