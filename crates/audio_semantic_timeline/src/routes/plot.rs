use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_kit::codes::{INVALID_QUERY, QUEUE_FULL};
use http_kit::{NoQuery, Path, Problem, RequestContext, path_id};
use media_v2::codes::{DECODER_UNAVAILABLE, SOURCE_CHANGED};
use sha2::{Digest, Sha256};

use crate::SemanticTimelines;
use crate::codes::{SEMANTICS_NOT_FOUND, SEMANTICS_UNREADABLE};

/// Prevents loading and scripts when the SVG is opened as a page.
const POLICY: &str = "default-src 'none'; sandbox";

http_kit::error_responses!(PlotErrors:
    SEMANTICS_NOT_FOUND, SOURCE_CHANGED, INVALID_QUERY, SEMANTICS_UNREADABLE, QUEUE_FULL, DECODER_UNAVAILABLE,
);

/// Plot a timeline as SVG
///
/// Waveform, loudness, kinds of audio, words, beats and bars over one time axis. 1 280 pixels wide and less than 256
/// KiB for any duration.
#[utoipa::path(
    get,
    path = "/audio/semantic-timeline/{artifact_id}/plot.svg",
    operation_id = "plot_semantic_timeline",
    tag = "audio_semantic_timeline",
    params(
        ("artifact_id" = String, Path),
        ("If-None-Match" = Option<String>, Header, description = "ETags the caller has"),
    ),
    responses(
        (status = 200, description = "SVG", content_type = "image/svg+xml", body = String),
        (status = 304, description = "The caller has it."),
        PlotErrors,
    )
)]
pub(super) async fn plot(
    State(timelines): State<SemanticTimelines>,
    context: RequestContext,
    Path(artifact_id): Path<String>,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let artifact_id = path_id(&artifact_id, SEMANTICS_NOT_FOUND)?;
    let svg = timelines.plot(&context.scope, &artifact_id).await?;
    let etag = format!("\"{:x}\"", Sha256::digest(&svg));
    // Another version of the service may draw differently, so clients must revalidate a cached plot.
    let common = [
        (header::ETAG, etag.as_str()),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "x-tenant-id, x-env"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    if media_v2::is_known(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, [(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}
