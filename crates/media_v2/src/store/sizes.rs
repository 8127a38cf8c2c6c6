//! Sizes of the bytes of artifacts that an older version stored without them.

use blob_store::BlobId;
use primitives::{Id, Scope};
use sqlx::PgConnection;

/// An artifact, with the blob of its bytes.
pub(crate) struct UnsizedArtifact {
    pub(crate) scope: Scope,
    pub(crate) id: Id,
    pub(crate) blob: BlobId,
}

/// The next artifacts after `after`, of all owners, whose bytes are in the store and have no recorded size, ordered by key.
///
/// # Errors
/// When the database fails.
pub(crate) async fn artifacts_without_size(
    conn: &mut PgConnection,
    after: Option<&(Scope, Id)>,
    limit: i64,
) -> sqlx::Result<Vec<UnsizedArtifact>> {
    let [tenant_id, env, id] =
        after.map_or([""; 3], |(scope, id)| [scope.tenant_id.as_str(), scope.env.as_str(), id.as_str()]);
    let found = sqlx::query!(
        r#"-- media_v2::artifacts_without_size
        SELECT tenant_id AS "tenant_id: Id", env AS "env: Id", id AS "id: Id", uri FROM artifacts
        WHERE (tenant_id, env, id) > ($1, $2, $3) AND size_bytes IS NULL
          AND uri ~ '^blob://sha256/[0-9A-Fa-f]{64}$'
        ORDER BY tenant_id, env, id LIMIT $4"#,
        tenant_id,
        env,
        id,
        limit,
    );
    // No row is dropped here: the statement selects only URIs that parse.
    let artifacts = found.fetch_all(conn).await?.into_iter().filter_map(|row| {
        let blob = BlobId::from_uri(&row.uri).ok()?;
        Some(UnsizedArtifact { scope: Scope { tenant_id: row.tenant_id, env: row.env }, id: row.id, blob })
    });
    Ok(artifacts.collect())
}

/// Records the sizes of the bytes of artifacts.
///
/// # Errors
/// When the database fails.
pub(crate) async fn set_sizes(conn: &mut PgConnection, sizes: &[(UnsizedArtifact, u64)]) -> sqlx::Result<()> {
    let text = |field: fn(&UnsizedArtifact) -> &Id| -> Vec<String> {
        sizes.iter().map(|(artifact, _)| field(artifact).to_string()).collect()
    };
    let bytes: Vec<i64> = sizes.iter().map(|(_, size)| size.cast_signed()).collect();
    sqlx::query!(
        "-- media_v2::set_sizes
         UPDATE artifacts a SET size_bytes = found.size_bytes
         FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS found (tenant_id, env, id, size_bytes)
         WHERE a.tenant_id = found.tenant_id AND a.env = found.env AND a.id = found.id",
        &text(|artifact| &artifact.scope.tenant_id),
        &text(|artifact| &artifact.scope.env),
        &text(|artifact| &artifact.id),
        &bytes,
    )
    .execute(conn)
    .await?;
    Ok(())
}
