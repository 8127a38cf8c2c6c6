use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_kit::codes::{
    ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY, INVALID_CURSOR, INVALID_QUERY, QUEUE_FULL,
};
use http_kit::{ContextJson, Json, Path, Problem, Query, RequestContext, path_id};
use media_time::AssetTime;
use primitives::{AccessLevel, Id, Page, PageParams};
use serde::Deserialize;
use serde_json::json;

use crate::canonical::pipeline_hash;
use crate::codes::{DUPLICATE_CACHE_KEY, SOURCE_NOT_ALLOWED};
use crate::rules::Checks;
use crate::store;
use crate::{Artifact, ArtifactKind, MediaError, MediaService, Meta, NewArtifact};

/// `meta.backend_version` of an artifact that declares none.
const DEFAULT_BACKEND: &str = "external";

/// An artifact that was made outside this service.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterArtifact {
    tenant_id: Option<String>,
    env: Option<String>,
    user_id: Option<String>,
    kind: ArtifactKind,
    /// Any URI; its content can be read when it is a `blob://` of yours or an allowed `file://`.
    uri: String,
    #[serde(rename = "start_ms")]
    start: Option<AssetTime>,
    #[serde(rename = "end_ms")]
    end: Option<AssetTime>,
    track_label: Option<String>,
    /// Ids of the artifacts that it was derived from.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    upstream_artifact_ids: Vec<Id>,
    content_sha256: Option<String>,
    /// `backend_version`, `model_used`, `cache_key` and `duration_ms` are required for `asr_transcript` and
    /// `audio_semantic_timeline`. For other kinds `backend_version` defaults to `external`. `pipeline_hash` is computed
    /// from the request when absent.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = Object)]
    meta: Meta,
}

http_kit::context_fields!(RegisterArtifact);

impl RegisterArtifact {
    fn into_new(self, parent_asset_id: Id) -> Result<NewArtifact, MediaError> {
        let mut checks = Checks::default();
        checks.uri("/uri", &self.uri);
        checks.text("/track_label", self.track_label.as_deref());
        checks.sha256("/content_sha256", self.content_sha256.as_deref());
        checks.sha256("/meta/pipeline_hash", self.meta.get("pipeline_hash").and_then(|hash| hash.as_str()));
        checks.meta(&self.meta);
        if let (Ok(blob), Some(given)) = (blob_store::BlobId::from_uri(&self.uri), &self.content_sha256)
            && blob.to_hex() != *given
        {
            checks.refuse("/content_sha256", "differs from the hash in the uri");
        }
        checks.finish()?;

        let produced_by = json!({
            "parent_asset_id": parent_asset_id, "kind": self.kind, "uri": self.uri, "start_ms": self.start,
            "end_ms": self.end, "track_label": self.track_label, "content_sha256": self.content_sha256,
            "upstream_artifact_ids": self.upstream_artifact_ids, "meta": self.meta,
        });
        let mut meta = self.meta;
        meta.entry("pipeline_hash").or_insert_with(|| pipeline_hash(&produced_by).into());
        if !self.kind.is_measurement() {
            meta.entry("backend_version").or_insert_with(|| DEFAULT_BACKEND.into());
        }
        Ok(NewArtifact {
            id: None,
            parent_asset_id,
            kind: self.kind,
            uri: self.uri,
            start: self.start,
            end: self.end,
            track_label: self.track_label,
            upstream_artifact_ids: self.upstream_artifact_ids,
            content_sha256: self.content_sha256,
            size_bytes: None,
            meta,
        })
    }
}

http_kit::error_responses!(CreateArtifactErrors:
    ASSET_NOT_FOUND, ARTIFACT_NOT_FOUND, DUPLICATE_CACHE_KEY, INVALID_BODY, SOURCE_NOT_ALLOWED, QUEUE_FULL,
);

/// Register an artifact of an asset.
#[utoipa::path(
    post, path = "/media-v2/assets/{id}/artifacts", tag = "media_v2",
    params(("id" = String, Path, description = "the asset that it was derived from")),
    request_body = RegisterArtifact,
    responses(
        (status = 201, description = "Registered; `Location` is its URL.", body = Artifact),
        CreateArtifactErrors,
    )
)]
pub(crate) async fn create_artifact(
    State(service): State<MediaService>,
    level: Option<Extension<AccessLevel>>,
    Path(id): Path<String>,
    ContextJson(context, body): ContextJson<RegisterArtifact>,
) -> Result<Response, Problem> {
    let new = body.into_new(path_id(&id, ASSET_NOT_FOUND)?)?;
    let level = level.map_or_else(AccessLevel::default, |Extension(level)| level);
    let artifact = service.register_artifact(&context.scope, new, level).await?;
    let location = format!("/media-v2/artifacts/{}", artifact.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(artifact)).into_response())
}

/// Filters and paging of a list of artifacts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListArtifacts {
    /// Only artifacts of this kind.
    kind: Option<ArtifactKind>,
    /// Number of rows on the page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

http_kit::error_responses!(ListArtifactsErrors: ASSET_NOT_FOUND, INVALID_QUERY, INVALID_CURSOR);

/// List the artifacts of an asset, newest first.
#[utoipa::path(
    get, path = "/media-v2/assets/{id}/artifacts", tag = "media_v2",
    params(("id" = String, Path, description = "the asset"), ListArtifacts),
    responses(
        (status = 200, description = "A page of artifacts.", body = Page<Artifact>),
        ListArtifactsErrors,
    )
)]
pub(crate) async fn list_artifacts(
    State(service): State<MediaService>,
    context: RequestContext,
    Path(id): Path<String>,
    Query(query): Query<ListArtifacts>,
) -> Result<Json<Page<Artifact>>, Problem> {
    let page = PageParams::new(query.limit, query.cursor.as_deref())?;
    let asset = service.asset(&context.scope, &path_id(&id, ASSET_NOT_FOUND)?).await?;
    let mut conn = service.pool().acquire().await?;
    Ok(Json(store::list_artifacts(&mut conn, &context.scope, &asset.id, query.kind, &page).await?))
}

http_kit::error_responses!(ListAllArtifactsErrors: INVALID_QUERY, INVALID_CURSOR);

/// List the artifacts of all assets, newest first.
#[utoipa::path(
    get, path = "/media-v2/artifacts", tag = "media_v2", params(ListArtifacts),
    responses(
        (status = 200, description = "A page of artifacts.", body = Page<Artifact>),
        ListAllArtifactsErrors,
    )
)]
pub(crate) async fn list_all_artifacts(
    State(service): State<MediaService>,
    context: RequestContext,
    Query(query): Query<ListArtifacts>,
) -> Result<Json<Page<Artifact>>, Problem> {
    let page = PageParams::new(query.limit, query.cursor.as_deref())?;
    let kinds = query.kind.as_ref().map_or(ArtifactKind::ALL, std::slice::from_ref);
    let mut conn = service.pool().acquire().await?;
    Ok(Json(store::list_artifacts_of_kinds(&mut conn, &context.scope, kinds, &page).await?))
}

http_kit::error_responses!(GetArtifactErrors: ARTIFACT_NOT_FOUND);

/// Read an artifact by its id.
#[utoipa::path(
    get, path = "/media-v2/artifacts/{id}", tag = "media_v2",
    params(("id" = String, Path, description = "artifact")),
    responses((status = 200, description = "The artifact.", body = Artifact), GetArtifactErrors)
)]
pub(crate) async fn get_artifact(
    State(service): State<MediaService>,
    context: RequestContext,
    Path(id): Path<String>,
) -> Result<Json<Artifact>, Problem> {
    Ok(Json(service.artifact(&context.scope, &path_id(&id, ARTIFACT_NOT_FOUND)?).await?))
}
