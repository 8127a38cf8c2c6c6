use axum::extract::State;
use http::StatusCode;
use http_kit::codes::{INVALID_BODY, INVALID_CURSOR, INVALID_QUERY};
use http_kit::{ContextJson, InContext, Json, Path, Problem, Query, RequestContext, path_id};
use primitives::Page;

use super::parameters::ListQuery;
use crate::codes::{PROJECT_NOT_FOUND, SEQUENCE_NOT_FOUND};
use crate::model::{NewSequence, Sequence, SequencePatch};
use crate::service::TimelineService;

type NewSequenceRequest = InContext<NewSequence>;
type SequencePatchRequest = InContext<SequencePatch>;

http_kit::error_responses!(CreateErrors: PROJECT_NOT_FOUND, INVALID_BODY);

/// Create a sequence of a project.
#[utoipa::path(post, path = "/video/projects/{project_id}/sequences",
    operation_id = "create_sequence", tag = "video_timeline",
    params(("project_id" = String, Path)), request_body = NewSequenceRequest,
    responses((status = 201, body = Sequence), CreateErrors))]
pub(super) async fn create(
    State(service): State<TimelineService>,
    Path(project_id): Path<String>,
    ContextJson(context, new): ContextJson<NewSequenceRequest>,
) -> Result<(StatusCode, Json<Sequence>), Problem> {
    let project_id = path_id(&project_id, PROJECT_NOT_FOUND)?;
    let sequence = service.create_child::<Sequence>(&context, &project_id, &new.body).await?;
    Ok((StatusCode::CREATED, Json(sequence)))
}

http_kit::error_responses!(ListErrors: PROJECT_NOT_FOUND, INVALID_QUERY, INVALID_CURSOR);

/// List the sequences of a project, by position.
#[utoipa::path(get, path = "/video/projects/{project_id}/sequences",
    operation_id = "list_sequences", tag = "video_timeline",
    params(("project_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<Sequence>), ListErrors))]
pub(super) async fn list(
    State(service): State<TimelineService>,
    Path(project_id): Path<String>,
    context: RequestContext,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Sequence>>, Problem> {
    let project_id = path_id(&project_id, PROJECT_NOT_FOUND)?;
    Ok(Json(service.children(&context, &project_id, &query.try_into()?).await?))
}

http_kit::error_responses!(SequenceErrors: SEQUENCE_NOT_FOUND);

/// Get a sequence by its id.
#[utoipa::path(get, path = "/video/sequences/{sequence_id}",
    operation_id = "get_sequence", tag = "video_timeline",
    params(("sequence_id" = String, Path)),
    responses((status = 200, body = Sequence), SequenceErrors))]
pub(super) async fn read(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    context: RequestContext,
) -> Result<Json<Sequence>, Problem> {
    let id = path_id(&id, SEQUENCE_NOT_FOUND)?;
    Ok(Json(service.get(&context, &id).await?))
}

http_kit::error_responses!(UpdateErrors: SEQUENCE_NOT_FOUND, INVALID_BODY);

/// Change fields of a sequence.
#[utoipa::path(patch, path = "/video/sequences/{sequence_id}",
    operation_id = "update_sequence", tag = "video_timeline",
    params(("sequence_id" = String, Path)), request_body = SequencePatchRequest,
    responses((status = 200, body = Sequence), UpdateErrors))]
pub(super) async fn update(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    ContextJson(context, patch): ContextJson<SequencePatchRequest>,
) -> Result<Json<Sequence>, Problem> {
    let id = path_id(&id, SEQUENCE_NOT_FOUND)?;
    Ok(Json(service.update::<Sequence>(&context, &id, &patch.body).await?))
}

/// Delete a sequence with its tracks and clips.
#[utoipa::path(delete, path = "/video/sequences/{sequence_id}",
    operation_id = "delete_sequence", tag = "video_timeline",
    params(("sequence_id" = String, Path)),
    responses((status = 204, description = "deleted"), SequenceErrors))]
pub(super) async fn delete(
    State(service): State<TimelineService>,
    Path(id): Path<String>,
    context: RequestContext,
) -> Result<StatusCode, Problem> {
    let id = path_id(&id, SEQUENCE_NOT_FOUND)?;
    service.delete::<Sequence>(&context, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
