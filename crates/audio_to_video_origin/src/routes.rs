use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_kit::{ContextJson, Json, Path, Problem, Query, RequestContext, UnparsedJson, path_id};
use primitives::{Id, Page, PageParams};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    Error, OriginMap, PatternShot, PutOriginMap, ResolvedOriginMap, ShotList, ShotListRequest,
    ShotListResult, VideoOrigins,
};

/// Maximum body size of a shot list request, in bytes: 100 000 clips of 600 bytes.
const MAX_REQUEST_BYTES: usize = 64 << 20;

/// Routes that accept larger bodies than others, with their limits in bytes.
pub const BODY_LIMITS: &[(&str, usize)] = &[("/audio/to-video-origin", MAX_REQUEST_BYTES)];

/// The routes under `/audio/to-video-origin`.
pub fn router(origins: VideoOrigins) -> OpenApiRouter {
    let lists = OpenApiRouter::new().routes(routes!(make)).layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES));
    OpenApiRouter::new()
        .routes(routes!(put_origin_map, get_origin_map))
        .routes(routes!(list_origin_maps))
        .routes(routes!(get))
        .merge(lists)
        .with_state(origins)
}

/// Set the origin of an artifact
///
/// Replaces its existing map, if any. Maps of different artifacts may overlap.
#[utoipa::path(
    put,
    path = "/audio/to-video-origin/origin-maps/{audio_artifact_id}",
    tag = "audio_to_video_origin",
    params(("audio_artifact_id" = String, Path)),
    request_body = PutOriginMap,
    responses(
        (status = 200, body = OriginMap),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`artifact_not_found`, `asset_not_found`, with their ids"),
        (status = 422, description = "`invalid_body`"),
    )
)]
async fn put_origin_map(
    State(origins): State<VideoOrigins>,
    Path(audio_artifact_id): Path<String>,
    ContextJson(context, body): ContextJson<PutOriginMap>,
) -> Result<Json<OriginMap>, Problem> {
    let audio_artifact_id = path_id(&audio_artifact_id, "artifact_not_found")?;
    let map = body.of(audio_artifact_id);
    let violations = map.violations();
    if !violations.is_empty() {
        return Err(Error::Invalid(violations).into());
    }
    Ok(Json(origins.put_origin_map(&context.scope, &map).await?))
}

/// Get the origin of an artifact
///
/// Its own map, or the map of an upstream artifact, reduced to this artifact's part.
#[utoipa::path(
    get,
    path = "/audio/to-video-origin/origin-maps/{audio_artifact_id}",
    tag = "audio_to_video_origin",
    params(("audio_artifact_id" = String, Path)),
    responses(
        (status = 200, body = ResolvedOriginMap),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`origin_map_not_found`"),
        (status = 422, description = "`origin_cycle`, `origin_too_deep`, `origin_graph_too_large`, \
            `upstream_window_invalid`"),
    )
)]
async fn get_origin_map(
    State(origins): State<VideoOrigins>,
    context: RequestContext,
    Path(audio_artifact_id): Path<String>,
) -> Result<Json<ResolvedOriginMap>, Problem> {
    let audio_artifact_id = path_id(&audio_artifact_id, "origin_map_not_found")?;
    Ok(Json(origins.origin_map(&context.scope, &audio_artifact_id).await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListOriginMaps {
    /// The recording that contains the origins.
    #[param(value_type = String, pattern = "^[A-Za-z0-9._:-]{1,128}$")]
    parent_asset_id: Id,
    /// Maximum number of rows on the page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// List the origin maps into a recording, newest first
#[utoipa::path(
    get,
    path = "/audio/to-video-origin/origin-maps",
    tag = "audio_to_video_origin",
    params(ListOriginMaps),
    responses(
        (status = 200, body = Page<OriginMap>),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`asset_not_found`"),
        (status = 422, description = "`invalid_query`, `invalid_cursor`"),
    )
)]
async fn list_origin_maps(
    State(origins): State<VideoOrigins>,
    context: RequestContext,
    Query(query): Query<ListOriginMaps>,
) -> Result<Json<Page<OriginMap>>, Problem> {
    let page = PageParams::new(query.limit, query.cursor.as_deref())?;
    Ok(Json(origins.origin_maps(&context.scope, &query.parent_asset_id, &page).await?))
}

/// Make the shot list of a sequence or pattern
///
/// The windows of the recordings that its audio clips were taken from, shifted by the chosen alignment. The same
/// request returns the same response and artifact. At most 100 000 clips.
#[utoipa::path(
    post,
    path = "/audio/to-video-origin",
    operation_id = "make_shot_list",
    tag = "audio_to_video_origin",
    request_body = ShotListRequest,
    responses(
        (status = 200, body = ShotListResult),
        (status = 400, description = "`invalid_context`, `malformed_json`"),
        (status = 403, description = "`context_mismatch`"),
        (status = 404, description = "`artifact_not_found`, `asset_not_found`, with all of their ids; \
            `pattern_not_found`"),
        (status = 409, description = "`source_changed`; `pattern_conflict`: another pattern is kept under the id of the one given"),
        (status = 413, description = "`too_many_clips`, `body_too_large`"),
        (status = 422, description = "`invalid_body`; `origin_map_missing`, `origin_invalid`, `semantics_missing`, \
            with all of their ids; `semantics_unreadable`, `origin_cycle`, `origin_too_deep`, \
            `origin_graph_too_large`, `upstream_window_invalid`, `shot_list_too_large`"),
        (status = 503, description = "`queue_full`"),
    )
)]
async fn make(State(origins): State<VideoOrigins>, body: UnparsedJson) -> Result<Response, Problem> {
    let ContextJson(context, request) = origins.read(move |_| body.parse::<ShotListRequest>()).await??;
    answer(&origins.shot_list(&context.scope, request).await?)
}

/// The format of a shot list.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = Form::default)]
enum Form {
    /// The response of the request that made it.
    #[default]
    Full,
    /// `[{asset_id, start_ms, end_ms, target_time_on_pattern}]`.
    P10,
}

/// A shot list in either format.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes for OpenAPI what `ShotList` writes")]
enum ShotListForms {
    /// The list in `full` format.
    Full(ShotListResult),
    /// The list in `p10` format.
    P10(Vec<PatternShot>),
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FormQuery {
    /// The format; `full` by default.
    #[serde(default)]
    #[param(inline)]
    format: Form,
}

/// Get a shot list by its artifact
#[utoipa::path(
    get,
    path = "/audio/to-video-origin/{shot_list_artifact_id}",
    operation_id = "get_shot_list",
    tag = "audio_to_video_origin",
    params(("shot_list_artifact_id" = String, Path), FormQuery),
    responses(
        (status = 200, description = "As `format` has it", body = ShotListForms),
        (status = 400, description = "`invalid_context`"),
        (status = 404, description = "`shot_list_not_found`"),
        (status = 422, description = "`invalid_query`, `shot_list_unreadable`"),
        (status = 503, description = "`queue_full`"),
    )
)]
async fn get(
    State(origins): State<VideoOrigins>,
    context: RequestContext,
    Path(artifact_id): Path<String>,
    Query(query): Query<FormQuery>,
) -> Result<Response, Problem> {
    let artifact_id = path_id(&artifact_id, "shot_list_not_found")?;
    let list = origins.find_shot_list(&context.scope, &artifact_id).await?;
    match query.format {
        Form::Full => answer(&list),
        Form::P10 => {
            let written = origins.read(move |_| {
                list.pattern_shots().and_then(|shots: Vec<PatternShot>| serde_json::to_vec(&shots))
            });
            let text = written.await?.map_err(|source| Error::ShotListUnreadable { artifact_id, source })?;
            Ok(json(Body::from(text)))
        }
    }
}

/// Streams the list's own buffers: tens of megabytes are not copied.
fn answer(list: &ShotList) -> Result<Response, Problem> {
    let pieces: [Bytes; 3] = list.answer().map_err(Problem::internal)?;
    Ok(json(Body::from_stream(futures::stream::iter(pieces.map(Ok::<_, std::convert::Infallible>)))))
}

fn json(body: Body) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
