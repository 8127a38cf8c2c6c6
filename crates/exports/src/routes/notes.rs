use std::collections::BTreeMap;

use audio_semantic_timeline::CaptionParameters;
use audio_semantic_timeline::codes::{SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE, WORDS_NOT_FOUND};
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
use crate::model::{AnalysisExport, AnalysisExportFormat, ExportFile, ExportReport};

pub(super) fn router() -> OpenApiRouter<ExportRoutes> {
    OpenApiRouter::new()
        .routes(routes!(timeline, report_timeline))
        .routes(routes!(clip_timeline, report_clip_timeline))
}

/// Format of an analysis. The fields from `max_chars` on apply to captions: `srt`, `vtt`, `ttml` and `ass`.
#[derive(Debug, Deserialize, Serialize, ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NotesExport {
    /// The format.
    #[param(inline)]
    format: AnalysisExportFormat,
    /// Frames per second of marker lists; those of the recording, or 25, by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1_000)]
    #[schema(minimum = 1, maximum = 1_000)]
    fps: Option<f64>,
    /// Maximum number of characters of a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 8, maximum = 200, default = 42)]
    #[schema(minimum = 8, maximum = 200, default = 42)]
    max_chars: Option<u16>,
    /// Maximum number of lines of a caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 6, default = 2)]
    #[schema(minimum = 1, maximum = 6, default = 2)]
    max_lines: Option<u16>,
    /// Maximum number of words of a caption; unlimited by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 80)]
    #[schema(minimum = 1, maximum = 80)]
    max_words: Option<u16>,
    /// Maximum reading speed in characters per second; exceeded only where the speech is faster and no silence follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 5, maximum = 100, default = 17)]
    #[schema(minimum = 5, maximum = 100, default = 17)]
    max_cps: Option<f64>,
    /// Minimum duration of a caption in milliseconds, as far as the next one permits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 7_000, default = 1_000)]
    #[schema(minimum = 0, maximum = 7_000, default = 1_000)]
    min_duration_ms: Option<u16>,
    /// Minimum pause that ends a caption, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 100, maximum = 60_000, default = 1_500)]
    #[schema(minimum = 100, maximum = 60_000, default = 1_500)]
    max_gap_ms: Option<u16>,
}

/// A field outside its range.
struct OutOfRange {
    name: &'static str,
    detail: String,
}

impl NotesExport {
    fn settings(&self) -> Result<AnalysisExport, OutOfRange> {
        let parameters = CaptionParameters {
            max_chars: self.max_chars,
            max_lines: self.max_lines,
            max_words: self.max_words,
            max_cps: self.max_cps,
            min_duration_ms: self.min_duration_ms,
            max_gap_ms: self.max_gap_ms,
        };
        let limits =
            parameters.limits().map_err(|error| OutOfRange { name: error.name, detail: error.detail() })?;
        let fps = rate(self.fps).map_err(|detail| OutOfRange { name: "fps", detail })?;
        Ok(AnalysisExport { format: self.format, fps, limits })
    }

    /// The settings of a query.
    fn of_query(&self) -> Result<AnalysisExport, Problem> {
        self.settings().map_err(|OutOfRange { name, detail }| {
            Problem::new(INVALID_QUERY, format!("{name}: {detail}")).field(name, detail)
        })
    }

    /// The settings of a body.
    fn of_body(&self) -> Result<AnalysisExport, Problem> {
        self.settings()
            .map_err(|OutOfRange { name, detail }| Problem::invalid_field(format!("/{name}"), detail))
    }
}

type NotesExportRequest = InContext<NotesExport>;

http_kit::error_responses!(TimelineErrors:
    INVALID_QUERY, SEMANTICS_NOT_FOUND, WORDS_NOT_FOUND, SEMANTICS_UNREADABLE, QUEUE_FULL,
);
http_kit::error_responses!(ReportTimelineErrors:
    INVALID_BODY, SEMANTICS_NOT_FOUND, WORDS_NOT_FOUND, SEMANTICS_UNREADABLE, QUEUE_FULL,
);
http_kit::error_responses!(ClipTimelineErrors:
    INVALID_QUERY, CLIP_NOT_FOUND, SEMANTICS_NOT_FOUND, WORDS_NOT_FOUND, SEMANTICS_UNREADABLE, QUEUE_FULL,
    TIMELINE_UNAVAILABLE,
);
http_kit::error_responses!(ReportClipTimelineErrors:
    INVALID_BODY, CLIP_NOT_FOUND, SEMANTICS_NOT_FOUND, WORDS_NOT_FOUND, SEMANTICS_UNREADABLE, QUEUE_FULL,
    TIMELINE_UNAVAILABLE,
);

/// A file in an [`AnalysisExportFormat`].
enum NotesFile {}

impl utoipa::IntoResponses for NotesFile {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        file_response(&[
            "application/json",
            "text/plain",
            "text/csv",
            "audio/midi",
            "application/x-subrip",
            "text/vtt",
            "application/ttml+xml",
            "text/x-ssa",
        ])
    }
}

/// Export an analysis as markers, labels, MIDI, annotations, captions or a transcript
///
/// Of an analysis with corrections, the newest of them. The formats of words are those of `…/transcript`. The header
/// `Harkback-Warnings` has the number of properties that the format cannot hold; POST lists them.
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
    let settings = query.of_query()?;
    let id = path_id(&id, SEMANTICS_NOT_FOUND)?;
    Ok(routes.exports.analysis(&context, &id, &settings).await?)
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
    let settings = query.of_body()?;
    let id = path_id(&id, SEMANTICS_NOT_FOUND)?;
    report(routes.exports.analysis(&context, &id, &settings).await?, &location, &query)
}

/// Export the analysis of a clip as markers, labels, MIDI, annotations, captions or a transcript
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
    let settings = query.of_query()?;
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    Ok(routes.exports.clip_analysis(&context, &id, &settings).await?)
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
    let settings = query.of_body()?;
    let id = path_id(&id, CLIP_NOT_FOUND)?;
    report(routes.exports.clip_analysis(&context, &id, &settings).await?, &location, &query)
}

fn rate(fps: Option<f64>) -> Result<Option<FrameRate>, String> {
    let Some(fps) = fps else { return Ok(None) };
    FrameRate::from_f64(fps).map(Some).ok_or_else(|| format!("is {fps}; expected 1 to 1000"))
}
