//! Writes the landmarks of recordings.

use audio_fingerprint::{FINGERPRINT_VERSION, Landmark};
use chrono::{DateTime, Utc};
use media_time::MediaTime;
use primitives::{Id, Scope};
use sqlx::PgConnection;

/// Landmarks that are inserted by one statement: 128 KiB of values.
const BATCH: usize = 16_384;

/// A recording and its landmarks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexedSource<'a> {
    pub(crate) asset_id: &'a Id,
    pub(crate) duration: MediaTime,
    pub(crate) landmarks: &'a [Landmark],
}

/// The version as stored.
pub(crate) fn version() -> i32 {
    i32::try_from(FINGERPRINT_VERSION).unwrap_or(i32::MAX)
}

/// Inserts the row of an owner, from which its landmarks have their number. Not in a transaction with landmarks: others of the
/// owner would wait for its end.
pub(crate) async fn insert_owner(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<()> {
    sqlx::query!(
        "-- audio_identify::insert_owner
         INSERT INTO fingerprint_owners (tenant_id, env) SELECT $1, $2
         WHERE NOT EXISTS (SELECT FROM fingerprint_owners o WHERE o.tenant_id = $1 AND o.env = $2)
         ON CONFLICT DO NOTHING",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the landmarks of an asset, in the caller's transaction, in place of those of another version or decoder, or of any
/// with `rebuild`. Returns false if they were there, if another transaction writes them, or if there is no such asset or
/// [owner](insert_owner).
pub(crate) async fn replace_source(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    source: IndexedSource<'_>,
    rebuild: bool,
) -> sqlx::Result<bool> {
    // Another analysis of the recording may insert for longer than a statement waits for a lock.
    if !try_lock(conn, scope, source.asset_id).await? {
        return Ok(false);
    }
    // In the order of the index, so that each of its pages is written once; each once, as their key demands.
    let mut landmarks: Vec<(i32, i32)> = source.landmarks.iter().filter_map(stored).collect();
    landmarks.sort_unstable();
    landmarks.dedup();
    delete_outdated(conn, scope, source.asset_id, rebuild).await?;
    if !insert_source(conn, scope, now, source, landmarks.len(), None).await? {
        return Ok(false);
    }
    for batch in landmarks.chunks(BATCH) {
        insert_landmarks(conn, scope, source.asset_id, batch).await?;
    }
    Ok(true)
}

/// Records why an asset cannot be indexed, so that it is not tried again by the same version; not in place of current
/// landmarks, unless with `rebuild`, and not while another transaction writes some.
pub(crate) async fn insert_failure(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    asset_id: &Id,
    failure: &str,
    rebuild: bool,
) -> sqlx::Result<()> {
    if !try_lock(conn, scope, asset_id).await? {
        return Ok(());
    }
    delete_outdated(conn, scope, asset_id, rebuild).await?;
    let source = IndexedSource { asset_id, duration: MediaTime::ZERO, landmarks: &[] };
    insert_source(conn, scope, now, source, 0, Some(failure)).await?;
    Ok(())
}

/// A landmark as stored: a hash has 28 bits, and a recording of two days has 10.8 million frames.
fn stored(landmark: &Landmark) -> Option<(i32, i32)> {
    Some((landmark.hash.cast_signed(), i32::try_from(landmark.frame).ok()?))
}

/// Whether this transaction is the only one that writes the landmarks of an asset, until its end.
async fn try_lock(conn: &mut PgConnection, scope: &Scope, asset_id: &Id) -> sqlx::Result<bool> {
    let Scope { tenant_id, env } = scope;
    sqlx::query_scalar!(
        r#"-- audio_identify::try_lock
        SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS "is_locked!""#,
        format!("fingerprint_sources|{tenant_id}|{env}|{asset_id}"),
    )
    .fetch_one(conn)
    .await
}

/// Deletes the source of an asset if it has another version or decoder than it would have now, or if it failed; its landmarks
/// leave by a trigger.
async fn delete_outdated(
    conn: &mut PgConnection,
    scope: &Scope,
    asset_id: &Id,
    rebuild: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "-- audio_identify::delete_outdated
         DELETE FROM fingerprint_sources s USING media_assets a
         WHERE s.tenant_id = $1 AND s.env = $2 AND s.asset_id = $3
           AND a.tenant_id = $1 AND a.env = $2 AND a.id = s.asset_id
           AND ($5 OR s.version <> $4 OR s.failure IS NOT NULL OR s.decoder IS DISTINCT FROM a.decoder)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        asset_id.as_str(),
        version(),
        rebuild,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts the row of a source. False if the asset has one.
async fn insert_source(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    source: IndexedSource<'_>,
    landmarks: usize,
    failure: Option<&str>,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "-- audio_identify::insert_source
         INSERT INTO fingerprint_sources (tenant_id, env, asset_id, owner_id, version, decoder, duration_us, landmark_count,
             failure, indexed_at)
         SELECT a.tenant_id, a.env, a.id, o.id, $4, a.decoder, $5, $6, $7, $8
         FROM media_assets a JOIN fingerprint_owners o ON o.tenant_id = a.tenant_id AND o.env = a.env
         WHERE a.tenant_id = $1 AND a.env = $2 AND a.id = $3
         ON CONFLICT (tenant_id, env, asset_id) DO NOTHING",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        source.asset_id.as_str(),
        version(),
        source.duration.as_micros(),
        i32::try_from(landmarks).unwrap_or(i32::MAX),
        failure,
        now,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

async fn insert_landmarks(
    conn: &mut PgConnection,
    scope: &Scope,
    asset_id: &Id,
    landmarks: &[(i32, i32)],
) -> sqlx::Result<()> {
    let (hashes, frames): (Vec<i32>, Vec<i32>) = landmarks.iter().copied().unzip();
    sqlx::query!(
        "-- audio_identify::insert_landmarks
         INSERT INTO fingerprint_landmarks (owner_id, hash, source_id, frame)
         SELECT s.owner_id, new.hash, s.id, new.frame
         FROM fingerprint_sources s CROSS JOIN unnest($4::integer[], $5::integer[]) AS new (hash, frame)
         WHERE s.tenant_id = $1 AND s.env = $2 AND s.asset_id = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        asset_id.as_str(),
        &hashes,
        &frames,
    )
    .execute(conn)
    .await?;
    Ok(())
}
