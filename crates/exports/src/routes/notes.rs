use std::collections::BTreeMap;

use audio_semantic_timeline::codes::{SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE};
use axum::extract::State;
use http_kit::codes::{INVALID_BODY, INVALID_QUERY, QUEUE_FULL};
use http_kit::{ContextJson, InContext, Json, Path, Problem, Query, RequestContext, path_id};
use interchange::frame_rate::FrameRate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use video_timeline::codes::{CLIP_NOT_FOUND, TIMELINE_UNAVAILABLE};

use super::{ExportRoutes, Location, file_response, report};
use crate::model::{ExportFile, ExportReport, NotesFormat};

pub(super) fn router() -> OpenApiRouter<ExportRoutes> {
    OpenApiRouter::new()
        .routes(routes!(timeline, report_timeline))
        .routes(routes!(clip_timeline, report_clip_timeline))
}

/// Format of an analysis.
#[derive(Debug, Deserialize, Serialize, ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NotesExport {
    /// The format.
    #[param(inline)]
    format: NotesFormat,
    /// Frames per second of marker lists; those of the recording, or 25, by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1_000)]
    #[schema(minimum = 1, maximum = 1_000)]
    fps: Option<f64>,
}

type NotesExportRequest = InContext<NotesExport>;

http_kit::error_responses!(TimelineErrors:
    INVALID_QUERY, SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE, QUEUE_FULL,
);
http_kit::error_responses!(ReportTimelineErrors:
    INVALID_BODY, SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE, QUEUE_FULL,
);
http_kit::error_responses!(ClipTimelineErrors:
    INVALID_QUERY, CLIP_NOT_FOUND, SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE, QUEUE_FULL, TIMELINE_UNAVAILABLE,
);
http_kit::error_responses!(ReportClipTimelineErrors:
    INVALID_BODY, CLIP_NOT_FOUND, SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE, QUEUE_FULL, TIMELINE_UNAVAILABLE,
);

/// A file in a [`NotesFormat`].
enum NotesFile {}

impl utoipa::IntoResponses for NotesFile {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        file_response(&["application/json", "text/plain", "text/csv", "audio/midi"])
    }
}

/// Export an analysis as markers, labels, chapters, MIDI or annotations
///
/// Of an analysis with corrections, the newest of them. The header `Harkback-Warnings` has the number of properties that
/// the format cannot hold; POST lists them.
#[utoipa::path(
    get, path = "/audio/semantic-timeline/{artifact_id}/export", operation_id = "export_timeline", tag = "exports",
    params(("artifact_id" = String, Path), NotesExport), responses(NotesFile, TimelineErrors)
)]
async fn timeline(
    State(routes): State<ExportRoutes>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<NotesExport>,
) -> Result<ExportFile, Problem> {
    let rate = parameter_rate(query.fps)?;
    let id = path_id(&id, SEMANTICS_NOT_FOUND)?;
    Ok(routes.exports.notes(&context, &id, query.format, rate).await?)
}

/// List what the export of an analysis would lose
#[utoipa::path(
    post, path = "/audio/semantic-timeline/{artifact_id}/export", operation_id = "report_timeline_export",
    tag = "exports", params(("artifact_id" = String, Path)), request_body = NotesExportRequest,
    responses((status = 200, body = ExportReport), ReportTimelineErrors)
)]
async fn report_timeline(
    State(routes): State<ExportRoutes>,
    Path(id): Path<String>,
    location: Location,
    ContextJson(context, body): ContextJson<NotesExportRequest>,
) -> Result<Json<ExportReport>, Problem> {
    let query = body.body;
    let rate = field_rate(query.fps)?;
    let id = path_id(&id, SEMANTICS_NOT_FOUND)?;
    report(routes.exports.notes(&context, &id, query.format, rate).await?, &location, &query)
}

/// Export the analysis of a clip as markers, labels, chapters, MIDI or annotations
///
/// Cut to the clip's window, with times relative to its in point.
#[utoipa::path(
    get, path = "/audio/semantic-timeline/by-clip/{clip_id}/export", operation_id = "export_clip_timeline",
    tag = "exports", params(("clip_id" = String, Path), NotesExport), responses(NotesFile, ClipTimelineErrors)
)]
async fn clip_timeline(
    State(routes): State<ExportRoutes>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<NotesExport>,
) -> Result<ExportFile, Problem> {
    let rate = parameter_rate(query.fps)?;
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    Ok(routes.exports.clip_notes(&context, &id, query.format, rate).await?)
}

/// List what the export of a clip's analysis would lose
#[utoipa::path(
    post, path = "/audio/semantic-timeline/by-clip/{clip_id}/export", operation_id = "report_clip_timeline_export",
    tag = "exports", params(("clip_id" = String, Path)), request_body = NotesExportRequest,
    responses((status = 200, body = ExportReport), ReportClipTimelineErrors)
)]
async fn report_clip_timeline(
    State(routes): State<ExportRoutes>,
    Path(id): Path<String>,
    location: Location,
    ContextJson(context, body): ContextJson<NotesExportRequest>,
) -> Result<Json<ExportReport>, Problem> {
    let query = body.body;
    let rate = field_rate(query.fps)?;
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    report(routes.exports.clip_notes(&context, &id, query.format, rate).await?, &location, &query)
}

fn parameter_rate(fps: Option<f64>) -> Result<Option<FrameRate>, Problem> {
    rate(fps).map_err(|detail| Problem::new(INVALID_QUERY, format!("fps: {detail}")).field("fps", detail))
}

fn field_rate(fps: Option<f64>) -> Result<Option<FrameRate>, Problem> {
    rate(fps).map_err(|detail| Problem::invalid_field("/fps", detail))
}

fn rate(fps: Option<f64>) -> Result<Option<FrameRate>, String> {
    let Some(fps) = fps else { return Ok(None) };
    FrameRate::from_f64(fps).map(Some).ok_or_else(|| format!("is {fps}; expected 1 to 1000"))
}
