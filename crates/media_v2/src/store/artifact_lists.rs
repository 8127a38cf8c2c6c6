//! Pages of artifacts.

use primitives::{Id, Page, PageParams, Scope};
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection};

use super::artifacts::{Row, artifacts, select};
use super::assets::plan_with_values;
use crate::{Artifact, ArtifactKind, MediaError, Meta};

/// A page of the asset's artifacts, newest first; only of one kind when `kind` is given: then the statement is planned for
/// its values, in a transaction.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn list_artifacts(
    conn: &mut PgConnection,
    scope: &Scope,
    parent_asset_id: &Id,
    kind: Option<ArtifactKind>,
    page: &PageParams,
) -> Result<Page<Artifact>, MediaError> {
    if kind.is_none() {
        return artifacts_page(conn, scope, parent_asset_id, kind, page).await;
    }
    let mut transaction = conn.begin().await?;
    plan_with_values(&mut transaction).await?;
    let artifacts = artifacts_page(&mut transaction, scope, parent_asset_id, kind, page).await?;
    transaction.commit().await?;
    Ok(artifacts)
}

async fn artifacts_page(
    conn: &mut PgConnection,
    scope: &Scope,
    parent_asset_id: &Id,
    kind: Option<ArtifactKind>,
    page: &PageParams,
) -> Result<Page<Artifact>, MediaError> {
    let rows = select!(
        "list_artifacts",
        "WHERE a.tenant_id = $1 AND a.env = $2 AND a.parent_asset_id = $3
           AND ($4::text IS NULL OR a.kind = $4)
           AND (a.created_at, a.id) < (coalesce($5::timestamptz, 'infinity'), $6)
         ORDER BY a.created_at DESC, a.id DESC LIMIT $7",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        parent_asset_id.as_str(),
        kind.map(ArtifactKind::as_str),
        page.after.as_ref().map(|after| after.key),
        page.after.as_ref().map_or("", |after| after.id.as_str()),
        page.limit.with_next_row(),
    );
    let artifacts = artifacts(rows.fetch_all(conn).await?)?;
    Ok(Page::from_rows(artifacts, page.limit, Artifact::cursor))
}

/// A page of the artifacts of all of the owner's assets, newest first; of `kinds` only. Each kind is read from its part of one
/// index, so that one kind and all of them cost the same for each row.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn list_artifacts_of_kinds(
    conn: &mut PgConnection,
    scope: &Scope,
    kinds: &[ArtifactKind],
    page: &PageParams,
) -> Result<Page<Artifact>, MediaError> {
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let rows = select!(
        "list_artifacts_of_kinds",
        "WHERE a.tenant_id = $1 AND a.env = $2 AND a.id = ANY (ARRAY (
             SELECT newest.id FROM unnest($3::text[]) AS listed (kind) CROSS JOIN LATERAL (
                 SELECT b.id, b.created_at FROM artifacts b
                 WHERE b.tenant_id = $1 AND b.env = $2 AND b.kind = listed.kind
                   AND (b.created_at, b.id) < (coalesce($4::timestamptz, 'infinity'), $5)
                 ORDER BY b.created_at DESC, b.id DESC LIMIT $6
             ) newest
             ORDER BY newest.created_at DESC, newest.id DESC LIMIT $6
         ))
         ORDER BY a.created_at DESC, a.id DESC",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        &kinds,
        page.after.as_ref().map(|after| after.key),
        page.after.as_ref().map_or("", |after| after.id.as_str()),
        page.limit.with_next_row(),
    );
    let artifacts = artifacts(rows.fetch_all(conn).await?)?;
    Ok(Page::from_rows(artifacts, page.limit, Artifact::cursor))
}
