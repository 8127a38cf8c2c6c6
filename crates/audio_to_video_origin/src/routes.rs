use audio_pattern_engine::codes::PATTERN_NOT_FOUND;
use audio_semantic_timeline::codes::SEMANTICS_UNREADABLE;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_kit::codes::{
    ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY, INVALID_CURSOR, INVALID_QUERY, QUEUE_FULL,
};
use http_kit::{ContextJson, Json, Path, Problem, Query, RequestContext, UnparsedJson, path_id};
use media_v2::codes::SOURCE_CHANGED;
use primitives::{Id, Page, PageParams};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::codes::{
    ORIGIN_CYCLE, ORIGIN_GRAPH_TOO_LARGE, ORIGIN_INVALID, ORIGIN_MAP_MISSING, ORIGIN_MAP_NOT_FOUND,
    ORIGIN_TOO_DEEP, PATTERN_CONFLICT, SEMANTICS_MISSING, SHOT_LIST_NOT_FOUND, SHOT_LIST_TOO_LARGE,
    SHOT_LIST_UNREADABLE, TOO_MANY_CLIPS, UPSTREAM_WINDOW_INVALID,
};
use crate::{
    Error, OriginMap, PatternShot, PatternShotList, PutOriginMap, ResolvedOriginMap, ShotList,
    ShotListRequest, ShotListResult, VideoOrigins,
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

http_kit::error_responses!(PutOriginMapErrors: ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY);

/// Set the origin of an artifact
///
/// Replaces its existing map, if any. Maps of different artifacts may overlap.
#[utoipa::path(
    put,
    path = "/audio/to-video-origin/origin-maps/{audio_artifact_id}",
    tag = "audio_to_video_origin",
    params(("audio_artifact_id" = String, Path)),
    request_body = PutOriginMap,
    responses((status = 200, body = OriginMap), PutOriginMapErrors)
)]
async fn put_origin_map(
    State(origins): State<VideoOrigins>,
    Path(audio_artifact_id): Path<String>,
    ContextJson(context, body): ContextJson<PutOriginMap>,
) -> Result<Json<OriginMap>, Problem> {
    let audio_artifact_id = path_id(&audio_artifact_id, ARTIFACT_NOT_FOUND)?;
    let map = body.of(audio_artifact_id);
    let violations = map.violations();
    if !violations.is_empty() {
        return Err(Error::Invalid(violations).into());
    }
    Ok(Json(origins.put_origin_map(&context.scope, &map).await?))
}

http_kit::error_responses!(GetOriginMapErrors:
    ORIGIN_MAP_NOT_FOUND, ORIGIN_CYCLE, ORIGIN_TOO_DEEP, ORIGIN_GRAPH_TOO_LARGE, UPSTREAM_WINDOW_INVALID,
);

/// Get the origin of an artifact
///
/// Its own map, or the map of an upstream artifact, reduced to this artifact's part.
#[utoipa::path(
    get,
    path = "/audio/to-video-origin/origin-maps/{audio_artifact_id}",
    tag = "audio_to_video_origin",
    params(("audio_artifact_id" = String, Path)),
    responses((status = 200, body = ResolvedOriginMap), GetOriginMapErrors)
)]
async fn get_origin_map(
    State(origins): State<VideoOrigins>,
    context: RequestContext,
    Path(audio_artifact_id): Path<String>,
) -> Result<Json<ResolvedOriginMap>, Problem> {
    let audio_artifact_id = path_id(&audio_artifact_id, ORIGIN_MAP_NOT_FOUND)?;
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

http_kit::error_responses!(ListOriginMapsErrors: ASSET_NOT_FOUND, INVALID_QUERY, INVALID_CURSOR);

/// List the origin maps into a recording, newest first
#[utoipa::path(
    get,
    path = "/audio/to-video-origin/origin-maps",
    tag = "audio_to_video_origin",
    params(ListOriginMaps),
    responses((status = 200, body = Page<OriginMap>), ListOriginMapsErrors)
)]
async fn list_origin_maps(
    State(origins): State<VideoOrigins>,
    context: RequestContext,
    Query(query): Query<ListOriginMaps>,
) -> Result<Json<Page<OriginMap>>, Problem> {
    let page = PageParams::new(query.limit, query.cursor.as_deref())?;
    Ok(Json(origins.origin_maps(&context.scope, &query.parent_asset_id, &page).await?))
}

http_kit::error_responses!(MakeErrors:
    ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, PATTERN_NOT_FOUND, SOURCE_CHANGED, PATTERN_CONFLICT, TOO_MANY_CLIPS,
    INVALID_BODY, ORIGIN_MAP_MISSING, ORIGIN_INVALID, SEMANTICS_MISSING, SEMANTICS_UNREADABLE, ORIGIN_CYCLE,
    ORIGIN_TOO_DEEP, ORIGIN_GRAPH_TOO_LARGE, UPSTREAM_WINDOW_INVALID, SHOT_LIST_TOO_LARGE, QUEUE_FULL,
);

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
    responses((status = 200, body = ShotListResult), MakeErrors)
)]
async fn make(State(origins): State<VideoOrigins>, body: UnparsedJson) -> Result<Response, Problem> {
    let ContextJson(context, request) = origins.read(move |_| body.parse::<ShotListRequest>()).await??;
    shot_list_response(&origins.shot_list(&context.scope, request).await?)
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
    /// The list in `p10` format, with `meta=true`.
    P10WithMeta(PatternShotList),
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FormQuery {
    /// The format; `full` by default.
    #[serde(default)]
    #[param(inline)]
    format: Form,
    /// Whether the list in `p10` format is an object of `shots` and `meta`; the full format always is.
    #[serde(default)]
    #[param(default = false)]
    meta: bool,
}

http_kit::error_responses!(GetErrors: SHOT_LIST_NOT_FOUND, INVALID_QUERY, SHOT_LIST_UNREADABLE, QUEUE_FULL);

/// Get a shot list by its artifact
#[utoipa::path(
    get,
    path = "/audio/to-video-origin/{shot_list_artifact_id}",
    operation_id = "get_shot_list",
    tag = "audio_to_video_origin",
    params(("shot_list_artifact_id" = String, Path), FormQuery),
    responses((status = 200, description = "As `format` has it", body = ShotListForms), GetErrors)
)]
async fn get(
    State(origins): State<VideoOrigins>,
    context: RequestContext,
    Path(artifact_id): Path<String>,
    Query(query): Query<FormQuery>,
) -> Result<Response, Problem> {
    let artifact_id = path_id(&artifact_id, SHOT_LIST_NOT_FOUND)?;
    let list = origins.find_shot_list(&context.scope, &artifact_id).await?;
    match query.format {
        Form::Full => shot_list_response(&list),
        Form::P10 => {
            let written = origins.read(move |_| {
                let shots: Vec<PatternShot> = list.pattern_shots()?;
                if query.meta {
                    serde_json::to_vec(&PatternShotList { shots, meta: list.meta })
                } else {
                    serde_json::to_vec(&shots)
                }
            });
            let text = written.await?.map_err(|source| Error::ShotListUnreadable { artifact_id, source })?;
            Ok(json(Body::from(text)))
        }
    }
}

/// The answer with a list, as of `POST /audio/to-video-origin`. Streams the list's own buffers: tens of megabytes are
/// not copied.
///
/// # Errors
/// None are expected: serializing plain fields as JSON does not fail.
pub fn shot_list_response(list: &ShotList) -> Result<Response, Problem> {
    let pieces: [Bytes; 3] = list.answer().map_err(Problem::internal)?;
    Ok(json(Body::from_stream(futures::stream::iter(pieces.map(Ok::<_, std::convert::Infallible>)))))
}

fn json(body: Body) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
