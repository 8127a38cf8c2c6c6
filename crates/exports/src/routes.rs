use access::BaseUrl;
use audio_semantic_timeline::codes::{SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE};
use audio_to_video_origin::codes::{SHOT_LIST_NOT_FOUND, SHOT_LIST_UNREADABLE};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Uri};
use http_kit::codes::{INVALID_BODY, INVALID_QUERY};
use http_kit::{ContextJson, Json, Path, Problem, Query, RequestContext, content_disposition, path_id};
use interchange::frame_rate::FrameRate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use video_timeline::codes::{CLIP_NOT_FOUND, PROJECT_NOT_FOUND, SEQUENCE_NOT_FOUND, TIMELINE_UNAVAILABLE};

use crate::error::Error;
use crate::model::{EditFormat, ExportFile, ExportReport, MediaReference, NotesFormat};
use crate::service::{Exports, Subject};

/// Header with the number of warnings.
const WARNINGS: HeaderName = HeaderName::from_static("harkback-warnings");

/// Routes of exports and the base URL of links.
#[derive(Clone, Debug)]
struct ExportRoutes {
    exports: Exports,
    base: BaseUrl,
}

/// The export routes, below those of what is exported.
pub fn router(exports: Exports, base: BaseUrl) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(project, report_project))
        .routes(routes!(sequence, report_sequence))
        .routes(routes!(shot_list, report_shot_list))
        .routes(routes!(timeline, report_timeline))
        .routes(routes!(clip_timeline, report_clip_timeline))
        .with_state(ExportRoutes { exports, base })
}

/// Format of an edited timeline.
#[derive(Debug, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EditQuery {
    /// The format.
    #[param(inline)]
    format: EditFormat,
    /// How media files are named.
    #[serde(default)]
    #[param(inline)]
    media: MediaReference,
}

/// Format of an edited timeline.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditExport {
    tenant_id: Option<String>,
    env: Option<String>,
    user_id: Option<String>,
    /// The format.
    format: EditFormat,
    /// How media files are named.
    #[serde(default)]
    media: MediaReference,
}

http_kit::context_fields!(EditExport);

/// Format of an analysis.
#[derive(Debug, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NotesQuery {
    /// The format.
    #[param(inline)]
    format: NotesFormat,
    /// Frames per second of marker lists; those of the recording, or 25, by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1_000)]
    fps: Option<f64>,
}

/// Format of an analysis.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NotesExport {
    tenant_id: Option<String>,
    env: Option<String>,
    user_id: Option<String>,
    /// The format.
    format: NotesFormat,
    /// Frames per second of marker lists; those of the recording, or 25, by default.
    #[schema(minimum = 1, maximum = 1_000)]
    fps: Option<f64>,
}

http_kit::context_fields!(NotesExport);

impl NotesExport {
    const fn query(&self) -> NotesQuery {
        NotesQuery { format: self.format, fps: self.fps }
    }
}

http_kit::error_responses!(ProjectErrors: INVALID_QUERY, PROJECT_NOT_FOUND, TIMELINE_UNAVAILABLE);
http_kit::error_responses!(ReportProjectErrors: INVALID_BODY, PROJECT_NOT_FOUND, TIMELINE_UNAVAILABLE);
http_kit::error_responses!(SequenceErrors: INVALID_QUERY, SEQUENCE_NOT_FOUND, TIMELINE_UNAVAILABLE);
http_kit::error_responses!(ReportSequenceErrors: INVALID_BODY, SEQUENCE_NOT_FOUND, TIMELINE_UNAVAILABLE);
http_kit::error_responses!(ShotListErrors: INVALID_QUERY, SHOT_LIST_NOT_FOUND, SHOT_LIST_UNREADABLE);
http_kit::error_responses!(ReportShotListErrors: INVALID_BODY, SHOT_LIST_NOT_FOUND, SHOT_LIST_UNREADABLE);
http_kit::error_responses!(TimelineErrors: INVALID_QUERY, SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE);
http_kit::error_responses!(ReportTimelineErrors: INVALID_BODY, SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE);
http_kit::error_responses!(ClipTimelineErrors:
    INVALID_QUERY, CLIP_NOT_FOUND, SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE, TIMELINE_UNAVAILABLE,
);
http_kit::error_responses!(ReportClipTimelineErrors:
    INVALID_BODY, CLIP_NOT_FOUND, SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE, TIMELINE_UNAVAILABLE,
);

/// Export a project for an editing program
///
/// Its first sequence. The header `Harkback-Warnings` has the number of properties that the format cannot hold; POST
/// lists them.
#[utoipa::path(
    get, path = "/video/projects/{project_id}/export", operation_id = "export_project", tag = "exports",
    params(("project_id" = String, Path), EditQuery),
    responses((status = 200, description = "The file", content(
        (serde_json::Value = "application/json"),
        (String = "application/xml"),
        (String = "text/plain"),
        (String = "text/csv"),
    )), ProjectErrors)
)]
async fn project(
    State(routes): State<ExportRoutes>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<EditQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let subject = Subject::Project(path_id(&id, PROJECT_NOT_FOUND)?);
    routes.edit(&context, &subject, query.format, query.media, &uri, &headers).await
}

/// List what the export of a project would lose
#[utoipa::path(
    post, path = "/video/projects/{project_id}/export", operation_id = "report_project_export", tag = "exports",
    params(("project_id" = String, Path)), request_body = EditExport,
    responses((status = 200, body = ExportReport), ReportProjectErrors)
)]
async fn report_project(
    State(routes): State<ExportRoutes>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    ContextJson(context, body): ContextJson<EditExport>,
) -> Result<Json<ExportReport>, Problem> {
    let subject = Subject::Project(path_id(&id, PROJECT_NOT_FOUND)?);
    routes.report_edit(&context, &subject, &body, &uri, &headers).await
}

/// Export a sequence for an editing program
///
/// The header `Harkback-Warnings` has the number of properties that the format cannot hold; POST lists them.
#[utoipa::path(
    get, path = "/video/sequences/{sequence_id}/export", operation_id = "export_sequence", tag = "exports",
    params(("sequence_id" = String, Path), EditQuery),
    responses((status = 200, description = "The file", content(
        (serde_json::Value = "application/json"),
        (String = "application/xml"),
        (String = "text/plain"),
        (String = "text/csv"),
    )), SequenceErrors)
)]
async fn sequence(
    State(routes): State<ExportRoutes>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<EditQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let subject = Subject::Sequence(path_id(&id, SEQUENCE_NOT_FOUND)?);
    routes.edit(&context, &subject, query.format, query.media, &uri, &headers).await
}

/// List what the export of a sequence would lose
#[utoipa::path(
    post, path = "/video/sequences/{sequence_id}/export", operation_id = "report_sequence_export", tag = "exports",
    params(("sequence_id" = String, Path)), request_body = EditExport,
    responses((status = 200, body = ExportReport), ReportSequenceErrors)
)]
async fn report_sequence(
    State(routes): State<ExportRoutes>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    ContextJson(context, body): ContextJson<EditExport>,
) -> Result<Json<ExportReport>, Problem> {
    let subject = Subject::Sequence(path_id(&id, SEQUENCE_NOT_FOUND)?);
    routes.report_edit(&context, &subject, &body, &uri, &headers).await
}

/// Export a shot list for an editing program
///
/// The frames of its sources, with the samples below, or the sources' own audio if a shot has no sample. The header
/// `Harkback-Warnings` has the number of properties that the format cannot hold; POST lists them.
#[utoipa::path(
    get, path = "/audio/to-video-origin/{shot_list_artifact_id}/export", operation_id = "export_shot_list",
    tag = "exports", params(("shot_list_artifact_id" = String, Path), EditQuery),
    responses((status = 200, description = "The file", content(
        (serde_json::Value = "application/json"),
        (String = "application/xml"),
        (String = "text/plain"),
        (String = "text/csv"),
    )), ShotListErrors)
)]
async fn shot_list(
    State(routes): State<ExportRoutes>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<EditQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let subject = Subject::ShotList(path_id(&id, SHOT_LIST_NOT_FOUND)?);
    routes.edit(&context, &subject, query.format, query.media, &uri, &headers).await
}

/// List what the export of a shot list would lose
#[utoipa::path(
    post, path = "/audio/to-video-origin/{shot_list_artifact_id}/export", operation_id = "report_shot_list_export",
    tag = "exports", params(("shot_list_artifact_id" = String, Path)), request_body = EditExport,
    responses((status = 200, body = ExportReport), ReportShotListErrors)
)]
async fn report_shot_list(
    State(routes): State<ExportRoutes>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    ContextJson(context, body): ContextJson<EditExport>,
) -> Result<Json<ExportReport>, Problem> {
    let subject = Subject::ShotList(path_id(&id, SHOT_LIST_NOT_FOUND)?);
    routes.report_edit(&context, &subject, &body, &uri, &headers).await
}

/// Export an analysis as markers, labels, chapters, MIDI or annotations
///
/// The header `Harkback-Warnings` has the number of properties that the format cannot hold; POST lists them.
#[utoipa::path(
    get, path = "/audio/semantic-timeline/{artifact_id}/export", operation_id = "export_timeline", tag = "exports",
    params(("artifact_id" = String, Path), NotesQuery),
    responses((status = 200, description = "The file", content(
        (serde_json::Value = "application/json"),
        (String = "text/plain"),
        (String = "text/csv"),
        (Vec<u8> = "audio/midi"),
    )), TimelineErrors)
)]
async fn timeline(
    State(routes): State<ExportRoutes>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<NotesQuery>,
) -> Result<Response, Problem> {
    let fps = rate(query.fps, invalid_fps_parameter)?;
    let id = path_id(&id, SEMANTICS_NOT_FOUND)?;
    Ok(download(routes.exports.notes(&context, &id, query.format, fps).await?))
}

/// List what the export of an analysis would lose
#[utoipa::path(
    post, path = "/audio/semantic-timeline/{artifact_id}/export", operation_id = "report_timeline_export",
    tag = "exports", params(("artifact_id" = String, Path)), request_body = NotesExport,
    responses((status = 200, body = ExportReport), ReportTimelineErrors)
)]
async fn report_timeline(
    State(routes): State<ExportRoutes>,
    Path(id): Path<String>,
    uri: Uri,
    ContextJson(context, body): ContextJson<NotesExport>,
) -> Result<Json<ExportReport>, Problem> {
    let fps = rate(body.fps, invalid_fps_field)?;
    let id = path_id(&id, SEMANTICS_NOT_FOUND)?;
    report(routes.exports.notes(&context, &id, body.format, fps).await, &uri, &body.query())
}

/// Export the analysis of a clip as markers, labels, chapters, MIDI or annotations
///
/// Cut to the clip's window, with times relative to its in point.
#[utoipa::path(
    get, path = "/audio/semantic-timeline/by-clip/{clip_id}/export", operation_id = "export_clip_timeline",
    tag = "exports", params(("clip_id" = String, Path), NotesQuery),
    responses((status = 200, description = "The file", content(
        (serde_json::Value = "application/json"),
        (String = "text/plain"),
        (String = "text/csv"),
        (Vec<u8> = "audio/midi"),
    )), ClipTimelineErrors)
)]
async fn clip_timeline(
    State(routes): State<ExportRoutes>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<NotesQuery>,
) -> Result<Response, Problem> {
    let fps = rate(query.fps, invalid_fps_parameter)?;
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    Ok(download(routes.exports.clip_notes(&context, &id, query.format, fps).await?))
}

/// List what the export of a clip's analysis would lose
#[utoipa::path(
    post, path = "/audio/semantic-timeline/by-clip/{clip_id}/export", operation_id = "report_clip_timeline_export",
    tag = "exports", params(("clip_id" = String, Path)), request_body = NotesExport,
    responses((status = 200, body = ExportReport), ReportClipTimelineErrors)
)]
async fn report_clip_timeline(
    State(routes): State<ExportRoutes>,
    Path(id): Path<String>,
    uri: Uri,
    ContextJson(context, body): ContextJson<NotesExport>,
) -> Result<Json<ExportReport>, Problem> {
    let fps = rate(body.fps, invalid_fps_field)?;
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    report(routes.exports.clip_notes(&context, &id, body.format, fps).await, &uri, &body.query())
}

impl ExportRoutes {
    async fn edit(
        &self,
        context: &RequestContext,
        subject: &Subject,
        format: EditFormat,
        media: MediaReference,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        let base = self.base.of_request(uri, headers);
        Ok(download(self.exports.edit(context, subject, format, media, &base).await?))
    }

    async fn report_edit(
        &self,
        context: &RequestContext,
        subject: &Subject,
        body: &EditExport,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Json<ExportReport>, Problem> {
        let base = self.base.of_request(uri, headers);
        let query = EditQuery { format: body.format, media: body.media };
        report(self.exports.edit(context, subject, body.format, body.media, &base).await, uri, &query)
    }
}

fn rate(fps: Option<f64>, invalid: fn(String) -> Problem) -> Result<Option<FrameRate>, Problem> {
    let Some(fps) = fps else { return Ok(None) };
    FrameRate::from_f64(fps).map(Some).ok_or_else(|| invalid(format!("is {fps}; expected 1 to 1000")))
}

fn invalid_fps_parameter(detail: String) -> Problem {
    Problem::new(INVALID_QUERY, format!("fps: {detail}")).field("fps", detail)
}

fn invalid_fps_field(detail: String) -> Problem {
    Problem::invalid_field("/fps", detail)
}

fn report(
    file: Result<ExportFile, Error>,
    uri: &Uri,
    query: &impl Serialize,
) -> Result<Json<ExportReport>, Problem> {
    let file = file?;
    let query = serde_urlencoded::to_string(query).map_err(Problem::internal)?;
    Ok(Json(ExportReport { href: format!("{}?{query}", uri.path()), warnings: file.warnings }))
}

fn download(file: ExportFile) -> Response {
    let headers = [
        (CONTENT_TYPE, file.media_type.to_owned()),
        (CONTENT_DISPOSITION, content_disposition(false, Some(&file.name))),
        (WARNINGS, file.warnings.len().to_string()),
    ];
    (headers, file.content).into_response()
}
