use std::collections::HashSet;
use std::time::SystemTime;

use blob_store::ListedBlob;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Those of the blobs that no row leads to. Blobs are shared, so this asks for the rows of all owners.
///
/// # Errors
/// The database's.
pub(crate) async fn unreferenced_blobs(
    conn: &mut PgConnection,
    blobs: Vec<ListedBlob>,
) -> sqlx::Result<Vec<ListedBlob>> {
    let names: Vec<String> = blobs.iter().map(|blob| blob.id.to_hex()).collect();
    let unreferenced = sqlx::query_scalar!(
        r#"-- media_v2::unreferenced_blobs
        SELECT blob.sha256 AS "sha256!" FROM unnest($1::text[]) AS blob (sha256)
        WHERE NOT EXISTS (SELECT FROM media_assets WHERE source_uri = 'blob://sha256/' || blob.sha256)
          AND NOT EXISTS (SELECT FROM artifacts WHERE uri = 'blob://sha256/' || blob.sha256)
          AND NOT EXISTS (SELECT FROM waveforms WHERE blob_sha256 = blob.sha256)"#,
        &names,
    )
    .fetch_all(conn)
    .await?;
    let unreferenced: HashSet<String> = unreferenced.into_iter().collect();
    Ok(blobs.into_iter().filter(|blob| unreferenced.contains(&blob.id.to_hex())).collect())
}

/// Is there any asset, of whichever owner?
///
/// # Errors
/// The database's.
pub(crate) async fn has_assets(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"-- media_v2::has_assets
        SELECT EXISTS (SELECT FROM media_assets) AS "found!""#
    )
    .fetch_one(conn)
    .await
}

/// How many kept peaks, of all owners, were computed before `cutoff`; they are forgotten when `forget`.
///
/// # Errors
/// The database's.
pub(crate) async fn old_waveforms(
    conn: &mut PgConnection,
    cutoff: SystemTime,
    forget: bool,
) -> sqlx::Result<u64> {
    let cutoff = DateTime::<Utc>::from(cutoff);
    if forget {
        let forgotten = sqlx::query!(
            "-- media_v2::old_waveforms
             DELETE FROM waveforms WHERE created_at < $1",
            cutoff
        );
        return Ok(forgotten.execute(conn).await?.rows_affected());
    }
    let counted = sqlx::query_scalar!(
        r#"-- media_v2::old_waveforms
        SELECT count(*) AS "count!" FROM waveforms WHERE created_at < $1"#,
        cutoff
    );
    Ok(u64::try_from(counted.fetch_one(conn).await?).unwrap_or(0))
}
