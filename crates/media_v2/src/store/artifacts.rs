use std::collections::{BTreeSet, HashSet};

use blob_store::BlobId;
use chrono::{DateTime, Utc};
use media_time::AssetTime;
use primitives::{Id, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{BadRow, missing_assets, violates};
use crate::{Artifact, ArtifactKind, MediaError, Meta, NewArtifact};

pub(super) struct Row {
    pub(super) id: Id,
    pub(super) parent_asset_id: Id,
    pub(super) tenant_id: Id,
    pub(super) env: Id,
    pub(super) kind: String,
    pub(super) uri: String,
    pub(super) start_us: Option<i64>,
    pub(super) end_us: Option<i64>,
    pub(super) track_label: Option<String>,
    pub(super) upstream_artifact_ids: Vec<Id>,
    pub(super) content_sha256: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) meta: Json<Meta>,
}

/// `query_as!` for [`Row`], with the name of the function and the SQL after the table's name.
macro_rules! select {
    ($name:literal, $rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            "-- media_v2::" + $name + "
             SELECT a.id AS \"id: Id\", a.parent_asset_id AS \"parent_asset_id: Id\",
                    a.tenant_id AS \"tenant_id: Id\", a.env AS \"env: Id\", a.kind, a.uri, a.start_us,
                    a.end_us, a.track_label, a.content_sha256, a.created_at,
                    ARRAY (
                        SELECT u.upstream_id FROM artifact_upstreams u
                        WHERE u.tenant_id = a.tenant_id AND u.env = a.env AND u.artifact_id = a.id
                        ORDER BY u.position
                    ) AS \"upstream_artifact_ids!: Vec<Id>\",
                    a.meta AS \"meta: Json<Meta>\"
             FROM artifacts a " + $rest,
            $($argument),+
        )
    };
}

pub(super) use select;

/// Inserts one artifact created at `now`, like [`insert_artifacts`].
///
/// # Errors
/// As [`insert_artifacts`].
pub async fn insert_artifact(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    new: NewArtifact,
) -> Result<Artifact, MediaError> {
    let mut artifacts = insert_artifacts(conn, scope, now, vec![new]).await?;
    artifacts.pop().ok_or(MediaError::Database(sqlx::Error::RowNotFound))
}

/// Inserts artifacts created at `now`, in a constant number of statements, and returns them in the given order.
///
/// Call it inside a transaction: rows and edges are inserted by separate statements.
///
/// # Errors
/// [`MediaError::Invalid`] when one breaks a [rule](NewArtifact::violations); [`MediaError::AssetsNotFound`] and
/// [`MediaError::ArtifactsNotFound`] with every parent or upstream that this owner does not have;
/// [`MediaError::DuplicateCacheKey`]; [`MediaError::Database`].
pub async fn insert_artifacts(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    new: Vec<NewArtifact>,
) -> Result<Vec<Artifact>, MediaError> {
    let violations: Vec<_> = new.iter().flat_map(NewArtifact::violations).collect();
    if !violations.is_empty() {
        return Err(MediaError::Invalid(violations));
    }
    let sizes: Vec<Option<i64>> = new.iter().map(|new| new.size_bytes.map(u64::cast_signed)).collect();
    let artifacts: Vec<Artifact> = new.into_iter().map(|new| Artifact::made(scope, now, new)).collect();

    let parents: Vec<Id> = artifacts.iter().map(|artifact| artifact.parent_asset_id.clone()).collect();
    let missing = missing_assets(conn, scope, &parents).await?;
    if !missing.is_empty() {
        return Err(MediaError::AssetsNotFound(missing));
    }
    let upstreams: Vec<Id> = artifacts.iter().flat_map(|a| a.upstream_artifact_ids.clone()).collect();
    if !upstreams.is_empty() {
        let missing = missing_artifacts(conn, scope, &upstreams).await?;
        if !missing.is_empty() {
            return Err(MediaError::ArtifactsNotFound(missing));
        }
    }
    insert_rows(conn, scope, now, &artifacts, &sizes).await?;
    if !upstreams.is_empty() {
        insert_edges(conn, scope, &artifacts).await?;
    }
    Ok(artifacts)
}

async fn insert_rows(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    artifacts: &[Artifact],
    sizes: &[Option<i64>],
) -> Result<(), MediaError> {
    fn column<T>(artifacts: &[Artifact], field: impl Fn(&Artifact) -> T) -> Vec<T> {
        artifacts.iter().map(field).collect()
    }
    sqlx::query!(
        "-- media_v2::insert_artifacts
         INSERT INTO artifacts (tenant_id, env, id, parent_asset_id, kind, uri, start_us, end_us,
             track_label, content_sha256, created_at, meta, size_bytes)
         SELECT $1, $2, new.id, new.parent_asset_id, new.kind, new.uri, new.start_us, new.end_us,
             new.track_label, new.content_sha256, $3, new.meta, new.size_bytes
         FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[],
             $10::text[], $11::text[], $12::jsonb[], $13::bigint[])
             AS new (id, parent_asset_id, kind, uri, start_us, end_us, track_label, content_sha256, meta, size_bytes)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        now,
        &column(artifacts, |a| a.id.to_string()),
        &column(artifacts, |a| a.parent_asset_id.to_string()),
        &column(artifacts, |a| a.kind.to_string()),
        &column(artifacts, |a| a.uri.clone()),
        &column(artifacts, |a| a.start.map(AssetTime::as_micros)) as _,
        &column(artifacts, |a| a.end.map(AssetTime::as_micros)) as _,
        &column(artifacts, |a| a.track_label.clone()) as _,
        &column(artifacts, |a| a.content_sha256.clone()) as _,
        &column(artifacts, |a| Json(a.meta.clone())) as _,
        sizes as _,
    )
    .execute(conn)
    .await
    .map_err(|error| match error {
        error if violates(&error, "artifacts_semantic_cache_key") => MediaError::DuplicateCacheKey,
        // Removed since it was looked up: one of these is missing.
        error if violates(&error, "artifacts_parent_asset") => {
            let parents: BTreeSet<String> = artifacts.iter().map(|a| a.parent_asset_id.to_string()).collect();
            MediaError::AssetsNotFound(parents.into_iter().collect())
        }
        error => error.into(),
    })?;
    Ok(())
}

async fn insert_edges(
    conn: &mut PgConnection,
    scope: &Scope,
    artifacts: &[Artifact],
) -> Result<(), MediaError> {
    let (mut ids, mut positions, mut upstreams) = (Vec::new(), Vec::new(), Vec::new());
    for artifact in artifacts {
        for (position, upstream) in (0i32..).zip(&artifact.upstream_artifact_ids) {
            ids.push(artifact.id.to_string());
            positions.push(position);
            upstreams.push(upstream.to_string());
        }
    }
    sqlx::query!(
        "-- media_v2::insert_edges
         INSERT INTO artifact_upstreams (tenant_id, env, artifact_id, position, upstream_id)
         SELECT $1, $2, edge.artifact_id, edge.position, edge.upstream_id
         FROM unnest($3::text[], $4::integer[], $5::text[]) AS edge (artifact_id, position, upstream_id)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        &ids,
        &positions,
        &upstreams,
    )
    .execute(conn)
    .await
    .map_err(|error| match error {
        // Removed since it was looked up: one of these is missing.
        error if violates(&error, "artifact_upstreams_upstream") => {
            let upstreams: BTreeSet<String> = upstreams.iter().cloned().collect();
            MediaError::ArtifactsNotFound(upstreams.into_iter().collect())
        }
        error => error.into(),
    })?;
    Ok(())
}

/// Finds an artifact of this owner by its id.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn find_artifact(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
) -> Result<Option<Artifact>, MediaError> {
    Ok(find_artifacts(conn, scope, std::slice::from_ref(id)).await?.pop())
}

/// The artifacts of `ids` that this owner has, ordered by id.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn find_artifacts(
    conn: &mut PgConnection,
    scope: &Scope,
    ids: &[Id],
) -> Result<Vec<Artifact>, MediaError> {
    let ids: Vec<String> = ids.iter().map(Id::to_string).collect();
    let rows = select!(
        "find_artifacts",
        "WHERE a.tenant_id = $1 AND a.env = $2 AND a.id = ANY ($3) ORDER BY a.id",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        &ids,
    );
    artifacts(rows.fetch_all(conn).await?)
}

/// The ids of `ids` that this owner has no artifact of, in the given order, each once.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn missing_artifacts(
    conn: &mut PgConnection,
    scope: &Scope,
    ids: &[Id],
) -> Result<Vec<String>, MediaError> {
    let ids: Vec<String> = ids.iter().map(Id::to_string).collect();
    Ok(sqlx::query_scalar!(
        "-- media_v2::missing_artifacts
         SELECT wanted.id AS \"id!\" FROM unnest($3::text[]) WITH ORDINALITY AS wanted (id, position)
         WHERE NOT EXISTS (
             SELECT FROM artifacts a WHERE a.tenant_id = $1 AND a.env = $2 AND a.id = wanted.id
         )
         GROUP BY wanted.id ORDER BY min(wanted.position)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        &ids,
    )
    .fetch_all(conn)
    .await?)
}

/// The semantic timeline whose `meta.cache_key` is `cache_key`; a unique index guarantees at most one.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn find_semantic_timeline(
    conn: &mut PgConnection,
    scope: &Scope,
    cache_key: &str,
) -> Result<Option<Artifact>, MediaError> {
    let rows = select!(
        "find_semantic_timeline",
        "WHERE a.tenant_id = $1 AND a.env = $2 AND a.kind = 'audio_semantic_timeline'
           AND a.meta ->> 'cache_key' = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        cache_key,
    );
    Ok(artifacts(rows.fetch_all(conn).await?)?.pop())
}

/// The newest artifacts of `kind` derived from the asset, at most `limit`.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn latest_artifacts(
    conn: &mut PgConnection,
    scope: &Scope,
    parent_asset_id: &Id,
    kind: ArtifactKind,
    limit: u32,
) -> Result<Vec<Artifact>, MediaError> {
    let rows = select!(
        "latest_artifacts",
        "WHERE a.tenant_id = $1 AND a.env = $2 AND a.parent_asset_id = $3 AND a.kind = $4
         ORDER BY a.created_at DESC, a.id DESC LIMIT $5",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        parent_asset_id.as_str(),
        kind.as_str(),
        i64::from(limit),
    );
    artifacts(rows.fetch_all(conn).await?)
}

pub(super) fn artifacts(rows: Vec<Row>) -> Result<Vec<Artifact>, MediaError> {
    rows.into_iter().map(|row| row.try_into().map_err(MediaError::from)).collect()
}

impl Artifact {
    fn made(scope: &Scope, now: DateTime<Utc>, new: NewArtifact) -> Self {
        let mut upstream_artifact_ids = new.upstream_artifact_ids;
        let mut seen = HashSet::new();
        upstream_artifact_ids.retain(|id| seen.insert(id.clone()));
        Self {
            id: new.id.unwrap_or_else(|| Id::generate("artifact")),
            parent_asset_id: new.parent_asset_id,
            tenant_id: scope.tenant_id.clone(),
            env: scope.env.clone(),
            kind: new.kind,
            // The name of a blob is its hash.
            content_sha256: new
                .content_sha256
                .or_else(|| BlobId::from_uri(&new.uri).ok().map(BlobId::to_hex)),
            uri: new.uri,
            start: new.start,
            end: new.end,
            track_label: new.track_label,
            upstream_artifact_ids,
            created_at: now,
            meta: new.meta,
        }
    }
}

impl TryFrom<Row> for Artifact {
    type Error = BadRow;

    fn try_from(row: Row) -> Result<Self, BadRow> {
        let kind = row.kind.parse().map_err(|_| BadRow {
            table: "artifacts",
            id: row.id.to_string(),
            column: "kind",
            value: row.kind.clone(),
        })?;
        Ok(Self {
            id: row.id,
            parent_asset_id: row.parent_asset_id,
            tenant_id: row.tenant_id,
            env: row.env,
            kind,
            uri: row.uri,
            start: row.start_us.map(AssetTime::from_micros),
            end: row.end_us.map(AssetTime::from_micros),
            track_label: row.track_label,
            upstream_artifact_ids: row.upstream_artifact_ids,
            content_sha256: row.content_sha256,
            created_at: row.created_at,
            meta: row.meta.0,
        })
    }
}
