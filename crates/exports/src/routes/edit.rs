use std::collections::BTreeMap;

use audio_to_video_origin::codes::{SHOT_LIST_NOT_FOUND, SHOT_LIST_UNREADABLE};
use axum::extract::State;
use http_kit::codes::{INVALID_BODY, INVALID_QUERY, QUEUE_FULL};
use http_kit::{ContextJson, InContext, Json, Path, Problem, Query, RequestContext, path_id};
use primitives::AccessLevel;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use video_timeline::codes::{PROJECT_NOT_FOUND, SEQUENCE_NOT_FOUND, TIMELINE_UNAVAILABLE};

use super::{ExportRoutes, Location, file_response, report};
use crate::codes::EXPORT_TOO_LARGE;
use crate::model::{EditFormat, ExportFile, ExportReport, MediaReference};
use crate::service::Subject;

pub(super) fn router() -> OpenApiRouter<ExportRoutes> {
    OpenApiRouter::new()
        .routes(routes!(project, report_project))
        .routes(routes!(sequence, report_sequence))
        .routes(routes!(shot_list, report_shot_list))
}

/// Format of an edited timeline.
#[derive(Debug, Deserialize, Serialize, ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EditExport {
    /// The format.
    #[param(inline)]
    format: EditFormat,
    /// How media files are named; `link` needs the scope `write`.
    #[serde(default)]
    #[param(inline)]
    media: MediaReference,
}

type EditExportRequest = InContext<EditExport>;

http_kit::error_responses!(ProjectErrors:
    INVALID_QUERY, PROJECT_NOT_FOUND, EXPORT_TOO_LARGE, QUEUE_FULL, TIMELINE_UNAVAILABLE,
);
http_kit::error_responses!(ReportProjectErrors:
    INVALID_BODY, PROJECT_NOT_FOUND, EXPORT_TOO_LARGE, QUEUE_FULL, TIMELINE_UNAVAILABLE,
);
http_kit::error_responses!(SequenceErrors:
    INVALID_QUERY, SEQUENCE_NOT_FOUND, EXPORT_TOO_LARGE, QUEUE_FULL, TIMELINE_UNAVAILABLE,
);
http_kit::error_responses!(ReportSequenceErrors:
    INVALID_BODY, SEQUENCE_NOT_FOUND, EXPORT_TOO_LARGE, QUEUE_FULL, TIMELINE_UNAVAILABLE,
);
http_kit::error_responses!(ShotListErrors:
    INVALID_QUERY, SHOT_LIST_NOT_FOUND, SHOT_LIST_UNREADABLE, EXPORT_TOO_LARGE, QUEUE_FULL,
);
http_kit::error_responses!(ReportShotListErrors:
    INVALID_BODY, SHOT_LIST_NOT_FOUND, SHOT_LIST_UNREADABLE, EXPORT_TOO_LARGE, QUEUE_FULL,
);

/// A file in an [`EditFormat`].
enum EditFile {}

impl utoipa::IntoResponses for EditFile {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        file_response(&["application/json", "application/xml", "text/plain", "text/csv"])
    }
}

/// Export a project for an editing program
///
/// Its first sequence. The header `Harkback-Warnings` has the number of properties that the format cannot hold; POST
/// lists them.
#[utoipa::path(
    get, path = "/video/projects/{project_id}/export", operation_id = "export_project", tag = "exports",
    params(("project_id" = String, Path), EditExport), responses(EditFile, ProjectErrors)
)]
async fn project(
    State(routes): State<ExportRoutes>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<EditExport>,
    location: Location,
) -> Result<ExportFile, Problem> {
    routes.edit(&context, project_of(&id)?, &query, &location).await
}

/// List what the export of a project would lose
#[utoipa::path(
    post, path = "/video/projects/{project_id}/export", operation_id = "report_project_export", tag = "exports",
    params(("project_id" = String, Path)), request_body = EditExportRequest,
    responses((status = 200, body = ExportReport), ReportProjectErrors)
)]
async fn report_project(
    State(routes): State<ExportRoutes>,
    Path(id): Path<String>,
    location: Location,
    ContextJson(context, body): ContextJson<EditExportRequest>,
) -> Result<Json<ExportReport>, Problem> {
    routes.report_edit(&context, project_of(&id)?, &body.body, &location).await
}

/// Export a sequence for an editing program
///
/// The header `Harkback-Warnings` has the number of properties that the format cannot hold; POST lists them.
#[utoipa::path(
    get, path = "/video/sequences/{sequence_id}/export", operation_id = "export_sequence", tag = "exports",
    params(("sequence_id" = String, Path), EditExport), responses(EditFile, SequenceErrors)
)]
async fn sequence(
    State(routes): State<ExportRoutes>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<EditExport>,
    location: Location,
) -> Result<ExportFile, Problem> {
    routes.edit(&context, sequence_of(&id)?, &query, &location).await
}

/// List what the export of a sequence would lose
#[utoipa::path(
    post, path = "/video/sequences/{sequence_id}/export", operation_id = "report_sequence_export", tag = "exports",
    params(("sequence_id" = String, Path)), request_body = EditExportRequest,
    responses((status = 200, body = ExportReport), ReportSequenceErrors)
)]
async fn report_sequence(
    State(routes): State<ExportRoutes>,
    Path(id): Path<String>,
    location: Location,
    ContextJson(context, body): ContextJson<EditExportRequest>,
) -> Result<Json<ExportReport>, Problem> {
    routes.report_edit(&context, sequence_of(&id)?, &body.body, &location).await
}

/// Export a shot list for an editing program
///
/// The frames of its sources, with the samples below, or the sources' own audio if a shot has no sample. The header
/// `Harkback-Warnings` has the number of properties that the format cannot hold; POST lists them.
#[utoipa::path(
    get, path = "/audio/to-video-origin/{shot_list_artifact_id}/export", operation_id = "export_shot_list",
    tag = "exports", params(("shot_list_artifact_id" = String, Path), EditExport),
    responses(EditFile, ShotListErrors)
)]
async fn shot_list(
    State(routes): State<ExportRoutes>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<EditExport>,
    location: Location,
) -> Result<ExportFile, Problem> {
    routes.edit(&context, shot_list_of(&id)?, &query, &location).await
}

/// List what the export of a shot list would lose
#[utoipa::path(
    post, path = "/audio/to-video-origin/{shot_list_artifact_id}/export", operation_id = "report_shot_list_export",
    tag = "exports", params(("shot_list_artifact_id" = String, Path)), request_body = EditExportRequest,
    responses((status = 200, body = ExportReport), ReportShotListErrors)
)]
async fn report_shot_list(
    State(routes): State<ExportRoutes>,
    Path(id): Path<String>,
    location: Location,
    ContextJson(context, body): ContextJson<EditExportRequest>,
) -> Result<Json<ExportReport>, Problem> {
    routes.report_edit(&context, shot_list_of(&id)?, &body.body, &location).await
}

fn project_of(id: &str) -> Result<Subject, Problem> {
    path_id(id, PROJECT_NOT_FOUND).map(Subject::Project)
}

fn sequence_of(id: &str) -> Result<Subject, Problem> {
    path_id(id, SEQUENCE_NOT_FOUND).map(Subject::Sequence)
}

fn shot_list_of(id: &str) -> Result<Subject, Problem> {
    path_id(id, SHOT_LIST_NOT_FOUND).map(Subject::ShotList)
}

impl ExportRoutes {
    async fn edit(
        &self,
        context: &RequestContext,
        subject: Subject,
        query: &EditExport,
        location: &Location,
    ) -> Result<ExportFile, Problem> {
        // A signed link outlives the call, as one of POST /media-v2/links does.
        let (has, needs) = (location.level, AccessLevel::Write);
        if query.media == MediaReference::Link && has < needs {
            let (has, needs) = (has.as_str(), needs.as_str());
            return Err(access::Error::ScopeInsufficient { has, needs }.into());
        }
        Ok(self.exports.edit(context, &subject, query.format, query.media, &location.base).await?)
    }

    async fn report_edit(
        &self,
        context: &RequestContext,
        subject: Subject,
        query: &EditExport,
        location: &Location,
    ) -> Result<Json<ExportReport>, Problem> {
        report(self.edit(context, subject, query, location).await?, location, query)
    }
}
