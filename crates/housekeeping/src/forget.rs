//! Removes an owner: all rows, whichever tables there are, and the bytes that only these rows refer to.

use std::collections::BTreeSet;
use std::time::SystemTime;

use media_v2::MediaService;
use primitives::Id;
use sqlx::PgConnection;

use crate::store::OwnedTable;
use crate::{Error, store};

/// A tenant, or one of its environments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The tenant.
    pub tenant_id: Id,
    /// The environment; `None` for all.
    pub env: Option<Id>,
}

/// How an owner is forgotten.
#[derive(Clone, Copy, Debug)]
pub struct ForgetOptions {
    /// Blobs that were written or uploaded again since then are kept: another owner may just be uploading the same bytes.
    /// They have no row then, so a later collection of blobs removes them.
    pub cutoff: SystemTime,
    /// Whether to only find out what would be removed.
    pub dry_run: bool,
}

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Number of rows by table, or by what else is stored in rows; those without any are absent.
    pub rows: Vec<(String, u64)>,
    /// Resumable uploads whose bytes were removed.
    pub uploads: u64,
    /// Blobs that no other owner refers to.
    pub blobs: u64,
    /// Total size of these in bytes.
    pub bytes: u64,
    /// Blobs that are newer than the cutoff, and are kept.
    pub kept_blobs: u64,
    /// Total size of these in bytes.
    pub kept_bytes: u64,
}

/// Removes all rows of an owner in one transaction, from every table that the database has, then the blobs that no row
/// refers to any more. The bytes of unfinished uploads are removed first, so that an interrupted run can be repeated.
///
/// Calls and jobs of the owner that run meanwhile may write further rows: revoke its keys first, and repeat it.
///
/// # Errors
/// [`MediaError::UploadLocked`](media_v2::MediaError::UploadLocked) while an upload of the owner is written; errors of the
/// store and of the database.
pub async fn forget(media: &MediaService, owner: &Owner, options: ForgetOptions) -> Result<Forgotten, Error> {
    let Owner { tenant_id, env } = owner;
    let env = env.as_ref();
    let uploads = if options.dry_run { 0 } else { media.forget_uploads(tenant_id, env).await? };
    let mut transaction = media.pool().begin().await?;
    let owned = media_v2::store::owned_blobs(&mut transaction, tenant_id, env).await?;
    let rows = forget_rows(&mut transaction, tenant_id, env).await?;
    let unreferenced = media_v2::store::unreferenced(&mut transaction, owned).await?;
    if options.dry_run {
        transaction.rollback().await?;
    } else {
        store::mark_removed(&mut transaction).await?;
        transaction.commit().await?;
    }
    let removed =
        media_v2::remove_blobs(media.blobs(), &unreferenced, options.cutoff, options.dry_run).await?;
    Ok(Forgotten {
        rows,
        uploads,
        blobs: removed.blobs,
        bytes: removed.bytes,
        kept_blobs: removed.kept_blobs,
        kept_bytes: removed.kept_bytes,
    })
}

/// Deletes the rows of an owner from all tables, from the job queue, and leases of its work.
async fn forget_rows(
    conn: &mut PgConnection,
    tenant_id: &Id,
    env: Option<&Id>,
) -> Result<Vec<(String, u64)>, Error> {
    let tables = deletion_order(store::owned_tables(conn).await?, &store::references(conn).await?)?;
    let mut rows = Vec::new();
    for table in &tables {
        rows.push((table.name.clone(), store::forget_rows(conn, table, tenant_id, env).await?));
    }
    // What is counted for the tenant as a whole goes with its last environment.
    if env.is_some() && !has_rows(conn, &tables, tenant_id).await? {
        for table in tables.iter().filter(|table| !table.has_env) {
            rows.push((table.name.clone(), store::forget_rows(conn, table, tenant_id, None).await?));
        }
    }
    rows.push(("entries of the job queue".to_owned(), jobs::forget_entries(conn, tenant_id, env).await?));
    rows.push(("work_leases".to_owned(), store::forget_leases(conn, tenant_id, env).await?));
    rows.retain(|(_, count)| *count > 0);
    Ok(rows)
}

/// Whether a tenant has rows in any environment.
async fn has_rows(conn: &mut PgConnection, tables: &[OwnedTable], tenant_id: &Id) -> Result<bool, Error> {
    for table in tables.iter().filter(|table| table.has_env) {
        if store::has_rows(conn, table, tenant_id).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tables in an order in which each comes before those that it refers to; by name where there is a choice.
fn deletion_order(
    tables: Vec<OwnedTable>,
    references: &[(String, String)],
) -> Result<Vec<OwnedTable>, Error> {
    let mut left: BTreeSet<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let mut ordered = Vec::with_capacity(tables.len());
    while !left.is_empty() {
        let is_referred = |name: &str| {
            references
                .iter()
                .any(|(referring, referred)| referred == name && left.contains(referring.as_str()))
        };
        let Some(next) = left.iter().copied().find(|&name| !is_referred(name)) else {
            let circle: Vec<&str> = left.into_iter().collect();
            return Err(Error::CircularTables(circle.join(", ")));
        };
        left.remove(next);
        ordered.extend(tables.iter().find(|table| table.name == next).cloned());
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(names: &[&str], references: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let table = |name: &&str| OwnedTable { name: (*name).to_owned(), has_env: true };
        let references: Vec<_> =
            references.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        let ordered = deletion_order(names.iter().map(table).collect(), &references);
        ordered
            .map(|tables| tables.into_iter().map(|table| table.name).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn tables_are_emptied_before_those_that_they_refer_to() {
        let references =
            [("maps", "artifacts"), ("artifacts", "assets"), ("maps", "assets"), ("x", "unowned")];
        let tables = ordered(&["artifacts", "assets", "maps", "x"], &references).unwrap();
        assert_eq!(tables, ["maps", "artifacts", "assets", "x"]);
    }

    #[test]
    fn circular_references_are_reported() {
        let error = ordered(&["a", "b", "c"], &[("a", "b"), ("b", "a"), ("c", "a")]).unwrap_err();
        assert!(error.contains("a, b"), "{error}");
    }
}
