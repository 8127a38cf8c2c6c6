//! All rows of an owner, in the tables that the database has.

use primitives::Id;
use sqlx::{AssertSqlSafe, PgConnection};

/// A table with rows of owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnedTable {
    pub(crate) name: String,
    /// Whether rows belong to an environment, too; otherwise to a tenant.
    pub(crate) has_env: bool,
}

/// The tables that have a column `tenant_id`, by name.
pub(crate) async fn owned_tables(conn: &mut PgConnection) -> sqlx::Result<Vec<OwnedTable>> {
    sqlx::query_as!(
        OwnedTable,
        r#"-- housekeeping::owned_tables
        SELECT t.relname::text AS "name!", bool_or(c.attname = 'env') AS "has_env!"
        FROM pg_catalog.pg_class t
        JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace AND n.nspname = current_schema()
        JOIN pg_catalog.pg_attribute c ON c.attrelid = t.oid AND c.attname IN ('tenant_id', 'env') AND NOT c.attisdropped
        WHERE t.relkind IN ('r', 'p')
        GROUP BY t.relname HAVING bool_or(c.attname = 'tenant_id')
        ORDER BY t.relname"#
    )
    .fetch_all(conn)
    .await
}

/// Pairs of tables of which the first has a foreign key to the second.
pub(crate) async fn references(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    let found = sqlx::query!(
        r#"-- housekeeping::references
        SELECT DISTINCT referring.relname::text AS "referring!", referred.relname::text AS "referred!"
        FROM pg_catalog.pg_constraint key
        JOIN pg_catalog.pg_class referring ON referring.oid = key.conrelid
        JOIN pg_catalog.pg_class referred ON referred.oid = key.confrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = referring.relnamespace AND n.nspname = current_schema()
        WHERE key.contype = 'f' AND referring.oid <> referred.oid
        ORDER BY 1, 2"#
    );
    let found = found.fetch_all(conn).await?.into_iter();
    Ok(found.map(|row| (row.referring, row.referred)).collect())
}

/// Deletes the rows of a tenant, or of one of its environments, from a table; returns their number. Rows of a table without
/// environments are deleted with the whole tenant only.
pub(crate) async fn forget_rows(
    conn: &mut PgConnection,
    table: &OwnedTable,
    tenant_id: &Id,
    env: Option<&Id>,
) -> sqlx::Result<u64> {
    // Not checked at compile time: a table that a later migration adds is forgotten, too. Its name is from the catalogue.
    let name = table.name.replace('"', "\"\"");
    let statement = if table.has_env {
        format!(
            "-- housekeeping::forget_rows\nDELETE FROM \"{name}\" WHERE tenant_id = $1 AND ($2::text IS NULL OR env = $2)"
        )
    } else {
        format!(
            "-- housekeeping::forget_rows\nDELETE FROM \"{name}\" WHERE tenant_id = $1 AND $2::text IS NULL"
        )
    };
    let deleted = sqlx::query(AssertSqlSafe(statement))
        .bind(tenant_id.as_str())
        .bind(env.map(Id::as_str))
        .execute(conn);
    Ok(deleted.await?.rows_affected())
}

/// Deletes leases of work of an owner, whose names contain it: `tenant|env|…` of analyses, with a word before it for other
/// work.
pub(crate) async fn forget_leases(
    conn: &mut PgConnection,
    tenant_id: &Id,
    env: Option<&Id>,
) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "-- housekeeping::forget_leases
         DELETE FROM work_leases
         WHERE split_part(name, '|', 1) = $1 AND ($2::text IS NULL OR split_part(name, '|', 2) = $2)
            OR split_part(name, '|', 1) IN ('samples', 'audio_mix', 'video_render')
                AND split_part(name, '|', 2) = $1 AND ($2::text IS NULL OR split_part(name, '|', 3) = $2)",
        tenant_id.as_str(),
        env.map(Id::as_str),
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected())
}

/// Whether a tenant has rows in a table.
pub(crate) async fn has_rows(
    conn: &mut PgConnection,
    table: &OwnedTable,
    tenant_id: &Id,
) -> sqlx::Result<bool> {
    let name = table.name.replace('"', "\"\"");
    let statement =
        format!("-- housekeeping::has_rows\nSELECT EXISTS (SELECT FROM \"{name}\" WHERE tenant_id = $1)");
    sqlx::query_scalar(AssertSqlSafe(statement)).bind(tenant_id.as_str()).fetch_one(conn).await
}
