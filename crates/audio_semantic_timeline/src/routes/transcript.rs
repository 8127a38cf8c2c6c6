use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use http_kit::codes::INVALID_QUERY;
use http_kit::{Path, Problem, Query, RequestContext, path_id};
use interchange::captions::CaptionLimits;
use interchange::openai::VerboseTranscription;
use interchange::podcast::Podcast;
use media_v2::codes::SOURCE_CHANGED;
use serde::Deserialize;
use video_timeline::codes::{CLIP_NOT_FOUND, TIMELINE_UNAVAILABLE};

use crate::codes::{SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE, WORDS_NOT_FOUND};
use crate::model::TimelineResponse;
use crate::{CaptionParameters, SemanticTimelines, Transcript, TranscriptFormat};

/// Format of a transcript. The fields other than `format` apply to captions: `srt`, `vtt`, `ttml` and `ass`.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TranscriptQuery {
    /// The format; `json` by default.
    #[serde(default)]
    #[param(inline)]
    format: TranscriptFormat,
    /// Maximum number of characters of a line.
    #[param(minimum = 8, maximum = 200, default = 42)]
    max_chars: Option<u16>,
    /// Maximum number of lines of a caption.
    #[param(minimum = 1, maximum = 6, default = 2)]
    max_lines: Option<u16>,
    /// Maximum number of words of a caption; unlimited by default.
    #[param(minimum = 1, maximum = 80)]
    max_words: Option<u16>,
    /// Maximum reading speed in characters per second; exceeded only where the speech is faster and no silence follows.
    #[param(minimum = 5, maximum = 100, default = 17)]
    max_cps: Option<f64>,
    /// Minimum duration of a caption in milliseconds, as far as the next one permits.
    #[param(minimum = 0, maximum = 7_000, default = 1_000)]
    min_duration_ms: Option<u16>,
    /// Minimum pause that ends a caption, in milliseconds.
    #[param(minimum = 100, maximum = 60_000, default = 1_500)]
    max_gap_ms: Option<u16>,
}

impl TranscriptQuery {
    fn limits(&self) -> Result<CaptionLimits, Problem> {
        let parameters = CaptionParameters {
            max_chars: self.max_chars,
            max_lines: self.max_lines,
            max_words: self.max_words,
            max_cps: self.max_cps,
            min_duration_ms: self.min_duration_ms,
            max_gap_ms: self.max_gap_ms,
        };
        parameters
            .limits()
            .map_err(|error| Problem::new(INVALID_QUERY, error.to_string()).field(error.name, error.detail()))
    }
}

/// A transcript as JSON: harkback's own format (`json`), OpenAI's (`openai-json`) or Podcasting 2.0's
/// (`podcast-transcript`).
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the bodies for OpenAPI")]
enum TranscriptJson {
    Json(Transcript),
    OpenAi(VerboseTranscription),
    Podcast(Podcast),
}

http_kit::error_responses!(TranscriptErrors:
    SEMANTICS_NOT_FOUND, SOURCE_CHANGED, INVALID_QUERY, WORDS_NOT_FOUND, SEMANTICS_UNREADABLE,
);

/// Get the transcript of a recording
///
/// The words of a timeline as JSON, text, captions, or JSON in other programs' formats: of its newest correction if it is
/// an analysis with corrections. A timeline that was made without a speech model is 422 `words_not_found`; if a model found
/// no words, the transcript is empty.
#[utoipa::path(
    get,
    path = "/audio/semantic-timeline/{artifact_id}/transcript",
    operation_id = "get_transcript",
    tag = "audio_semantic_timeline",
    params(("artifact_id" = String, Path), TranscriptQuery),
    responses(
        (status = 200, description = "As `format` has it", content(
            (TranscriptJson = "application/json"),
            (String = "application/x-subrip"),
            (String = "text/vtt"),
            (String = "text/plain"),
            (String = "application/ttml+xml"),
            (String = "text/x-ssa"),
        )),
        TranscriptErrors,
    )
)]
pub(super) async fn transcript(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(artifact_id): Path<String>,
    Query(query): Query<TranscriptQuery>,
) -> Result<Response, Problem> {
    let limits = query.limits()?;
    let artifact_id = path_id(&artifact_id, SEMANTICS_NOT_FOUND)?;
    let timeline = timelines.get_in_force(&context.scope, &artifact_id).await?;
    written(timeline, query.format, limits).await
}

http_kit::error_responses!(TranscriptByClipErrors:
    CLIP_NOT_FOUND, SEMANTICS_NOT_FOUND, SOURCE_CHANGED, INVALID_QUERY, WORDS_NOT_FOUND, SEMANTICS_UNREADABLE,
    TIMELINE_UNAVAILABLE,
);

/// Get the transcript of a clip
///
/// The transcript of the recording, cut to the clip's window; times are relative to its in point.
#[utoipa::path(
    get,
    path = "/audio/semantic-timeline/by-clip/{clip_id}/transcript",
    operation_id = "get_transcript_of_clip",
    tag = "audio_semantic_timeline",
    params(("clip_id" = String, Path), TranscriptQuery),
    responses(
        (status = 200, description = "As `format` has it", content(
            (TranscriptJson = "application/json"),
            (String = "application/x-subrip"),
            (String = "text/vtt"),
            (String = "text/plain"),
            (String = "application/ttml+xml"),
            (String = "text/x-ssa"),
        )),
        TranscriptByClipErrors,
    )
)]
pub(super) async fn transcript_by_clip(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(clip_id): Path<String>,
    Query(query): Query<TranscriptQuery>,
) -> Result<Response, Problem> {
    let limits = query.limits()?;
    let timeline = timelines.by_clip(&context, &path_id(&clip_id, CLIP_NOT_FOUND)?).await?;
    written(timeline, query.format, limits).await
}

/// Formats the transcript on a blocking thread, because dividing an hour of words into captions is slow.
async fn written(
    timeline: TimelineResponse,
    format: TranscriptFormat,
    limits: CaptionLimits,
) -> Result<Response, Problem> {
    let write = move || {
        let transcript = Transcript::of_transcribed(&timeline.summary)?;
        let text = transcript.written(format, &limits)?;
        Ok(([(CONTENT_TYPE, format.media_type())], text).into_response())
    };
    tokio::task::spawn_blocking(write).await.map_err(Problem::internal)?
}
