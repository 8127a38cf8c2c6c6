use axum::RequestExt;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use http_kit::codes::{
    ASSET_NOT_FOUND, INVALID_BODY, INVALID_CURSOR, INVALID_QUERY, QUEUE_FULL, REQUEST_TIMEOUT,
};
use http_kit::{ContextJson, Json, JsonLimit, Path, Problem, Query, RequestContext, path_id};
use primitives::{AccessLevel, Page, PageLimit, PageParams};
use serde::{Deserialize, Serialize};

use super::upload::{self, created};
use crate::codes::{
    MALFORMED_MULTIPART, SOURCE_ADDRESS_REFUSED, SOURCE_CHANGED, SOURCE_NOT_ALLOWED, SOURCE_REDIRECT_REFUSED,
    SOURCE_RESPONSE_INVALID, SOURCE_TIMED_OUT, SOURCE_TRUNCATED, SOURCE_UNAVAILABLE, SOURCE_UNREADABLE,
    UPLOAD_TOO_LARGE,
};
use crate::{Artifact, AssetKind, Description, DescriptionChanges, MediaAsset, MediaService, Meta, store};

/// Number of artifacts in the response of one asset.
const ARTIFACTS_SHOWN: PageLimit = PageLimit::MAX;

/// A file that is registered without uploading it.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterAsset {
    tenant_id: Option<String>,
    env: Option<String>,
    user_id: Option<String>,
    /// A `file://` URI below an allowed directory, the `blob://` URI of an asset or artifact of yours, or the URI of a file
    /// that is fetched: `https://` or `http://` of an allowed host, `s3://bucket/key`, `gs://bucket/key` or
    /// `az://container/key` of an allowed bucket.
    source_uri: String,
    /// The kind; detected from the content when absent.
    kind: Option<AssetKind>,
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    tags: Vec<String>,
    source_ref: Option<String>,
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = Object)]
    meta: Meta,
}

http_kit::context_fields!(RegisterAsset);

/// A file that is uploaded with the request. Context fields (`tenant_id`, `env`, `user_id`) must come before `file`.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes the multipart form for OpenAPI; `upload::Form` reads it")]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadAsset {
    #[schema(value_type = String, required = false)]
    tenant_id: Option<String>,
    #[schema(value_type = String, required = false)]
    env: Option<String>,
    #[schema(value_type = String, required = false)]
    user_id: Option<String>,
    /// The kind; detected from the content when absent.
    #[schema(value_type = AssetKind, required = false)]
    kind: Option<AssetKind>,
    /// Tags as a JSON array, or separated by commas; may be repeated.
    #[schema(value_type = String, required = false)]
    tags: Option<String>,
    #[schema(value_type = String, required = false)]
    source_ref: Option<String>,
    /// Metadata as a JSON object.
    #[schema(value_type = String, required = false)]
    meta: Option<String>,
    /// The bytes of the file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Filters and paging of a list of assets.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAssets {
    /// Only assets of this kind.
    kind: Option<AssetKind>,
    /// Only assets with this tag.
    tag: Option<String>,
    /// Only assets with this `source_ref`.
    source_ref: Option<String>,
    /// Number of rows on the page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// An asset and its artifacts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AssetWithArtifacts {
    asset: MediaAsset,
    /// The newest 500 artifacts, newest first; `GET /media-v2/assets/{id}/artifacts` lists all in pages.
    artifacts: Vec<Artifact>,
}

http_kit::error_responses!(CreateAssetErrors:
    MALFORMED_MULTIPART, REQUEST_TIMEOUT, UPLOAD_TOO_LARGE, INVALID_BODY, SOURCE_NOT_ALLOWED,
    SOURCE_ADDRESS_REFUSED, SOURCE_REDIRECT_REFUSED, SOURCE_UNREADABLE, SOURCE_CHANGED, SOURCE_TRUNCATED,
    SOURCE_RESPONSE_INVALID, SOURCE_TIMED_OUT, SOURCE_UNAVAILABLE, QUEUE_FULL,
);

/// Register a recording.
///
/// A JSON body names the URI of the file, a multipart body uploads it. The file is hashed and probed. A file of a web server
/// or bucket is fetched by a job; `meta.fetched_from` is its URI without the query.
#[utoipa::path(
    post, path = "/media-v2/assets", tag = "media_v2",
    request_body(content(
        (RegisterAsset = "application/json"),
        (UploadAsset = "multipart/form-data"),
    )),
    responses(
        (status = 201, description = "Registered; `Location` is its URL.", body = MediaAsset),
        CreateAssetErrors,
    )
)]
pub(crate) async fn create_asset(
    State(service): State<MediaService>,
    mut request: Request,
) -> Result<Response, Problem> {
    if is_multipart(request.headers()) {
        DefaultBodyLimit::disable().apply(&mut request);
        return Box::pin(upload::upload(&service, request)).await;
    }
    DefaultBodyLimit::max(JsonLimit::of(request.extensions())).apply(&mut request);
    let level = request.extensions().get::<AccessLevel>().copied().unwrap_or_default();
    let ContextJson(context, body): ContextJson<RegisterAsset> = request.extract().await?;
    let description =
        Description { kind: body.kind, tags: body.tags, source_ref: body.source_ref, meta: body.meta };
    let asset = service.register_source(&context, body.source_uri, description, level).await?;
    Ok(created(asset))
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    content_type.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("multipart/form-data")
}

http_kit::error_responses!(ListAssetsErrors: INVALID_QUERY, INVALID_CURSOR);

/// List recordings, newest first.
#[utoipa::path(
    get, path = "/media-v2/assets", tag = "media_v2", params(ListAssets),
    responses((status = 200, description = "A page of assets.", body = Page<MediaAsset>), ListAssetsErrors)
)]
pub(crate) async fn list_assets(
    State(service): State<MediaService>,
    context: RequestContext,
    Query(query): Query<ListAssets>,
) -> Result<Json<Page<MediaAsset>>, Problem> {
    let page = PageParams::new(query.limit, query.cursor.as_deref())?;
    for (name, text) in [("tag", &query.tag), ("source_ref", &query.source_ref)] {
        // Postgres stores no NUL in text: no asset can have such a tag or reference.
        if text.as_ref().is_some_and(|text| text.contains('\0')) {
            let detail = "contains a NUL character";
            return Err(Problem::new(INVALID_QUERY, format!("{name}: {detail}")).field(name, detail));
        }
    }
    let filter = store::AssetFilter { kind: query.kind, tag: query.tag, source_ref: query.source_ref };
    let mut conn = service.pool().acquire().await?;
    Ok(Json(store::list_assets(&mut conn, &context.scope, &filter, &page).await?))
}

http_kit::error_responses!(GetAssetErrors: ASSET_NOT_FOUND);

/// Read a recording and its artifacts.
#[utoipa::path(
    get, path = "/media-v2/assets/{id}", tag = "media_v2", params(("id" = String, Path, description = "asset")),
    responses(
        (status = 200, description = "The asset and its newest 500 artifacts.", body = AssetWithArtifacts),
        GetAssetErrors,
    )
)]
pub(crate) async fn get_asset(
    State(service): State<MediaService>,
    context: RequestContext,
    Path(id): Path<String>,
) -> Result<Json<AssetWithArtifacts>, Problem> {
    let asset = service.asset(&context.scope, &path_id(&id, ASSET_NOT_FOUND)?).await?;
    let page = PageParams { limit: ARTIFACTS_SHOWN, after: None };
    let mut conn = service.pool().acquire().await?;
    let artifacts = store::list_artifacts(&mut conn, &context.scope, &asset.id, None, &page).await?.items;
    Ok(Json(AssetWithArtifacts { asset, artifacts }))
}

/// Changes of the description of a recording; absent fields are unchanged.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeAsset {
    tenant_id: Option<String>,
    env: Option<String>,
    user_id: Option<String>,
    /// The new tags, in place of all.
    #[serde(default, deserialize_with = "http_kit::present")]
    #[schema(value_type = Vec<String>)]
    tags: Option<Vec<String>>,
    /// The new reference; `null` removes it.
    #[serde(default, deserialize_with = "http_kit::present")]
    #[schema(value_type = Option<String>)]
    source_ref: Option<Option<String>>,
    /// The new metadata, in place of all members but `file_name` and `media_type`, which are unchanged.
    #[serde(default, deserialize_with = "http_kit::present")]
    #[schema(value_type = Object)]
    meta: Option<Meta>,
}

http_kit::context_fields!(ChangeAsset);

http_kit::error_responses!(UpdateAssetErrors: ASSET_NOT_FOUND, INVALID_BODY);

/// Change tags, reference and metadata of a recording.
///
/// Sending the same changes again changes nothing. Listings and searches by tag use the new tags from the answer on.
#[utoipa::path(
    patch, path = "/media-v2/assets/{id}", tag = "media_v2", params(("id" = String, Path, description = "asset")),
    request_body = ChangeAsset,
    responses((status = 200, description = "The changed asset.", body = MediaAsset), UpdateAssetErrors)
)]
pub(crate) async fn update_asset(
    State(service): State<MediaService>,
    Path(id): Path<String>,
    ContextJson(context, body): ContextJson<ChangeAsset>,
) -> Result<Json<MediaAsset>, Problem> {
    let id = path_id(&id, ASSET_NOT_FOUND)?;
    let changes = DescriptionChanges { tags: body.tags, source_ref: body.source_ref, meta: body.meta };
    Ok(Json(service.change_description(&context.scope, &id, changes).await?))
}
