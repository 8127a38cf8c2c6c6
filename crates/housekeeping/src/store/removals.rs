//! The ids that a removal removes: collected in the table `removals` and locked.

use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use sqlx::PgConnection;

/// Raises the time limit of the statements of this transaction: a recording may have millions of artifacts.
pub(crate) async fn allow_time(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("-- housekeeping::allow_time\nSET LOCAL statement_timeout = '10min'").execute(conn).await?;
    Ok(())
}

/// Locks the row of an asset; false if this owner has none.
pub(crate) async fn lock_asset(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<bool> {
    let locked = sqlx::query_scalar!(
        "-- housekeeping::lock_asset
         SELECT id FROM media_assets WHERE tenant_id = $1 AND env = $2 AND id = $3 FOR UPDATE",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    );
    Ok(locked.fetch_optional(conn).await?.is_some())
}

/// Locks the row of an artifact; false if this owner has none.
pub(crate) async fn lock_artifact(conn: &mut PgConnection, scope: &Scope, id: &Id) -> sqlx::Result<bool> {
    let locked = sqlx::query_scalar!(
        "-- housekeeping::lock_artifact
         SELECT id FROM artifacts WHERE tenant_id = $1 AND env = $2 AND id = $3 FOR UPDATE",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
    );
    Ok(locked.fetch_optional(conn).await?.is_some())
}

/// Begins the removal of an asset or artifact.
pub(crate) async fn begin(
    conn: &mut PgConnection,
    scope: &Scope,
    removal: &Id,
    is_asset: bool,
    root: &Id,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- housekeeping::begin
         INSERT INTO removals (tenant_id, env, removal_id, is_asset, id) VALUES ($1, $2, $3, $4, $5)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        removal.as_str(),
        is_asset,
        root.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds everything that derives from what the removal has, but files; returns the number of additions.
///
/// From an asset: its artifacts, shot lists that show it, the renders whose file it is. From an artifact: those that were
/// made of it, and, from the record that a clip is in a film, the film.
pub(crate) async fn extend(conn: &mut PgConnection, scope: &Scope, removal: &Id) -> sqlx::Result<u64> {
    let extended = sqlx::query!(
        "-- housekeeping::extend
         WITH RECURSIVE found (is_asset, id) AS (
             SELECT x.is_asset, x.id FROM removals x
             WHERE x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3
             UNION
             SELECT next.is_asset, next.id FROM found CROSS JOIN LATERAL (
                 SELECT false AS is_asset, a.id FROM artifacts a
                 WHERE found.is_asset AND a.tenant_id = $1 AND a.env = $2 AND a.parent_asset_id = found.id
                 UNION ALL
                 SELECT false, s.artifact_id FROM shot_list_sources s
                 WHERE found.is_asset AND s.tenant_id = $1 AND s.env = $2 AND s.source_asset_id = found.id
                 UNION ALL
                 SELECT false, r.artifact_id FROM renders r
                 WHERE found.is_asset AND r.tenant_id = $1 AND r.env = $2 AND r.render_asset_id = found.id
                 UNION ALL
                 SELECT false, p.artifact_id FROM pattern_renders p
                 WHERE found.is_asset AND p.tenant_id = $1 AND p.env = $2 AND p.asset_id = found.id
                 UNION ALL
                 SELECT false, u.artifact_id FROM artifact_upstreams u
                 WHERE NOT found.is_asset AND u.tenant_id = $1 AND u.env = $2 AND u.upstream_id = found.id
                 UNION ALL
                 SELECT false, u.upstream_id FROM artifact_upstreams u
                 JOIN artifacts segment ON segment.tenant_id = $1 AND segment.env = $2 AND segment.id = u.artifact_id
                 JOIN artifacts film ON film.tenant_id = $1 AND film.env = $2 AND film.id = u.upstream_id
                 WHERE NOT found.is_asset AND u.tenant_id = $1 AND u.env = $2 AND u.artifact_id = found.id
                   AND segment.kind = 'render_segment' AND film.kind = 'render'
             ) AS next
         )
         INSERT INTO removals (tenant_id, env, removal_id, is_asset, id)
         SELECT $1, $2, $3, found.is_asset, found.id FROM found
         ON CONFLICT DO NOTHING",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        removal.as_str(),
    );
    Ok(extended.execute(conn).await?.rows_affected())
}

/// Adds the rendered files of which the removal has every render: another recording of the same bytes may share one.
/// Returns the number of additions.
pub(crate) async fn extend_by_files(
    conn: &mut PgConnection,
    scope: &Scope,
    removal: &Id,
) -> sqlx::Result<u64> {
    let extended = sqlx::query!(
        "-- housekeeping::extend_by_files
         INSERT INTO removals (tenant_id, env, removal_id, is_asset, id)
         SELECT $1, $2, $3, true, file.id FROM (
             SELECT r.render_asset_id AS id FROM removals x
             JOIN renders r ON r.tenant_id = $1 AND r.env = $2 AND r.artifact_id = x.id
             WHERE x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3 AND NOT x.is_asset
             UNION
             SELECT p.asset_id FROM removals x
             JOIN pattern_renders p ON p.tenant_id = $1 AND p.env = $2 AND p.artifact_id = x.id
             WHERE x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3 AND NOT x.is_asset
         ) AS file
         WHERE NOT EXISTS (
             SELECT FROM renders other
             WHERE other.tenant_id = $1 AND other.env = $2 AND other.render_asset_id = file.id AND NOT EXISTS (
                 SELECT FROM removals y
                 WHERE y.tenant_id = $1 AND y.env = $2 AND y.removal_id = $3 AND NOT y.is_asset
                   AND y.id = other.artifact_id
             )
         )
         ON CONFLICT DO NOTHING",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        removal.as_str(),
    );
    Ok(extended.execute(conn).await?.rows_affected())
}

/// Locks the rows of assets and artifacts of the removal, in the order of their ids: no row can be added that refers to one.
pub(crate) async fn lock(conn: &mut PgConnection, scope: &Scope, removal: &Id) -> sqlx::Result<()> {
    sqlx::query!(
        r#"-- housekeeping::lock
        WITH assets AS (
            SELECT FROM media_assets a
            JOIN removals x ON x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3 AND x.is_asset AND x.id = a.id
            WHERE a.tenant_id = $1 AND a.env = $2
            ORDER BY a.id FOR UPDATE OF a
        ), derived AS (
            SELECT FROM artifacts a
            JOIN removals x ON x.tenant_id = $1 AND x.env = $2 AND x.removal_id = $3 AND NOT x.is_asset AND x.id = a.id
            WHERE a.tenant_id = $1 AND a.env = $2
            ORDER BY a.id FOR UPDATE OF a
        )
        SELECT (SELECT count(*) FROM assets) + (SELECT count(*) FROM derived) AS "locked!""#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        removal.as_str(),
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Records that assets were removed from this database, for the collection of blobs.
pub(crate) async fn mark_removed(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "-- housekeeping::mark_removed
         INSERT INTO assets_removed DEFAULT VALUES ON CONFLICT DO NOTHING"
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next assets after `after`, of all owners, that have `tag` and were registered before `before`, ordered by owner and
/// id.
pub(crate) async fn expired_assets(
    conn: &mut PgConnection,
    tag: &str,
    before: DateTime<Utc>,
    after: Option<&(Scope, Id)>,
    limit: i64,
) -> sqlx::Result<Vec<(Scope, Id)>> {
    let [tenant_id, env, id] =
        after.map_or([""; 3], |(scope, id)| [scope.tenant_id.as_str(), scope.env.as_str(), id.as_str()]);
    let found = sqlx::query!(
        r#"-- housekeeping::expired_assets
        SELECT tenant_id AS "tenant_id: Id", env AS "env: Id", id AS "id: Id" FROM media_assets
        WHERE tags @> ARRAY [$1] AND created_at < $2 AND (tenant_id, env, id) > ($3, $4, $5)
        ORDER BY tenant_id, env, id LIMIT $6"#,
        tag,
        before,
        tenant_id,
        env,
        id,
        limit,
    );
    let found = found.fetch_all(conn).await?.into_iter();
    Ok(found.map(|row| (Scope { tenant_id: row.tenant_id, env: row.env }, row.id)).collect())
}
