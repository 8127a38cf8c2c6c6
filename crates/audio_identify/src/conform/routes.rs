use audio_to_video_origin::{ShotListResult, shot_list_response};
use axum::extract::State;
use axum::response::Response;
use http_kit::codes::{ASSET_NOT_FOUND, INVALID_BODY, QUEUE_FULL, STORAGE_FULL};
use http_kit::{ContextJson, Problem};
use media_v2::codes::{DECODER_UNAVAILABLE, NO_AUDIO_STREAM, SOURCE_CHANGED, UNDECODABLE_MEDIA};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ConformRequest, Conformer};
use crate::codes::{QUERY_SILENT, QUERY_TOO_SHORT, RECORDING_TOO_LONG, SOURCES_TOO_LONG, TOO_MANY_POSTINGS};

/// The route of edit lists.
pub fn conform_router(conformer: Conformer) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(conform)).with_state(conformer)
}

http_kit::error_responses!(ConformErrors:
    ASSET_NOT_FOUND, SOURCE_CHANGED, INVALID_BODY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA, DECODER_UNAVAILABLE,
    QUERY_TOO_SHORT, QUERY_SILENT, RECORDING_TOO_LONG, SOURCES_TOO_LONG, TOO_MANY_POSTINGS, QUEUE_FULL, STORAGE_FULL,
);

/// Find the edit list of a finished edit
///
/// The shot list of the sources that the edit was cut from, found by its audio: cuts, levels and fades. Each shot has
/// `role` `source` or `unknown` in its meta; the latter are stretches of no known source, which show the edit itself.
/// `unknown_db` is the level of other audio over a source, such as music or a voice-over. The list is exported, rendered
/// and made a timeline like any other. The same request returns the same response and artifact.
#[utoipa::path(
    post, path = "/audio/conform", operation_id = "conform_edit", tag = "audio_identify",
    request_body = ConformRequest, responses((status = 200, body = ShotListResult), ConformErrors)
)]
async fn conform(
    State(conformer): State<Conformer>,
    ContextJson(context, request): ContextJson<ConformRequest>,
) -> Result<Response, Problem> {
    shot_list_response(&conformer.conform(&context.scope, request).await?)
}
