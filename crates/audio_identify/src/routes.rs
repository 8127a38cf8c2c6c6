use axum::RequestExt;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, header};
use http_kit::codes::{ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY, QUEUE_FULL, REQUEST_TIMEOUT};
use http_kit::{ContextJson, Json, JsonLimit, Problem};
use media_v2::codes::{
    DECODER_UNAVAILABLE, MALFORMED_MULTIPART, NO_AUDIO_STREAM, SOURCE_CHANGED, UNDECODABLE_MEDIA,
    UPLOAD_TOO_LARGE,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Identify;
use crate::codes::{QUERY_SILENT, QUERY_TOO_LONG, QUERY_TOO_SHORT, TOO_MANY_POSTINGS};
use crate::form;
use crate::model::{Identification, IdentifyRequest, IdentifyUpload};

/// The route of `POST /audio/identify`.
pub fn router(identify: Identify) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(identify_audio)).with_state(identify)
}

http_kit::error_responses!(IdentifyErrors:
    MALFORMED_MULTIPART, ASSET_NOT_FOUND, ARTIFACT_NOT_FOUND, REQUEST_TIMEOUT, SOURCE_CHANGED, UPLOAD_TOO_LARGE,
    INVALID_BODY, NO_AUDIO_STREAM, UNDECODABLE_MEDIA, QUERY_TOO_SHORT, QUERY_TOO_LONG, QUERY_SILENT, TOO_MANY_POSTINGS,
    QUEUE_FULL, DECODER_UNAVAILABLE,
);

/// Find the source of audio
///
/// Every place of the indexed recordings of the owner where the audio of an asset, an artifact or an uploaded file occurs, or
/// a part of it: also repeats, and several sources under one another. A file is not stored. Recordings are indexed when they
/// are analysed; `searched` reports how many are. With `register`, the best place becomes the origin map of the artifact.
#[utoipa::path(
    post,
    path = "/audio/identify",
    operation_id = "identify_audio",
    tag = "audio_identify",
    request_body(content(
        (IdentifyRequest = "application/json"),
        (IdentifyUpload = "multipart/form-data"),
    )),
    responses((status = 200, body = Identification), IdentifyErrors)
)]
async fn identify_audio(
    State(identify): State<Identify>,
    mut request: Request,
) -> Result<Json<Identification>, Problem> {
    if is_multipart(request.headers()) {
        DefaultBodyLimit::disable().apply(&mut request);
        let query = Box::pin(form::read(identify.media(), request)).await?;
        let found = identify.identify_upload(&query.context.scope, query.upload, query.options).await?;
        return Ok(Json(found));
    }
    DefaultBodyLimit::max(JsonLimit::of(request.extensions())).apply(&mut request);
    let ContextJson(context, body): ContextJson<IdentifyRequest> = request.extract().await?;
    Ok(Json(identify.identify(&context, &body).await?))
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    content_type.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("multipart/form-data")
}
