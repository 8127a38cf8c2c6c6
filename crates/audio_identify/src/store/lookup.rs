//! Looks landmarks up, and the sources that matches name.

use audio_fingerprint::Posting;
use futures::TryStreamExt as _;
use media_time::MediaTime;
use primitives::{Id, Scope};
use sqlx::PgConnection;

use super::index::version;

/// Limits the statements of a transaction that looks landmarks up, and keeps the planner from reading a partition as a whole:
/// a plan that was made while a partition was small is kept by its connection when it has grown.
pub(crate) async fn prepare(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql(
        "-- audio_identify::prepare\nSET LOCAL statement_timeout = '30s'; SET LOCAL enable_seqscan = off",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Landmarks that are read at once: 64 MB of them.
const MAX_POSTINGS: usize = 4_000_000;

/// Appends the landmarks of this owner that have one of `hashes` (ascending) to `found`, but for those of hashes with more
/// than `max`. Returns false if there are more than [`MAX_POSTINGS`].
pub(crate) async fn find_postings(
    conn: &mut PgConnection,
    scope: &Scope,
    hashes: &[u32],
    max: usize,
    found: &mut Vec<Posting>,
) -> sqlx::Result<bool> {
    let hashes: Vec<i32> = hashes.iter().map(|hash| hash.cast_signed()).collect();
    // One more than a hash may have shows that it has more.
    let limit = i64::try_from(max).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows = sqlx::query!(
        "-- audio_identify::find_postings
         SELECT l.hash, l.source_id, l.frame
         FROM fingerprint_owners o
         CROSS JOIN unnest($3::integer[]) AS wanted (hash)
         CROSS JOIN LATERAL (
             SELECT p.hash, p.source_id, p.frame FROM fingerprint_landmarks p
             WHERE p.owner_id = o.id AND p.hash = wanted.hash LIMIT $4
         ) AS l
         WHERE o.tenant_id = $1 AND o.env = $2",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        &hashes,
        limit,
    )
    .fetch(conn);
    // Rows of one hash follow one another.
    let mut start = found.len();
    while let Some(row) = rows.try_next().await? {
        let hash = row.hash.cast_unsigned();
        if found.get(start).is_some_and(|first| first.hash != hash) {
            drop_common(found, start, max);
            start = found.len();
        }
        if found.len() > MAX_POSTINGS {
            return Ok(false);
        }
        found.push(Posting { hash, source: row.source_id.into(), frame: row.frame.cast_unsigned() });
    }
    drop_common(found, start, max);
    Ok(true)
}

/// Removes the postings from `start` on, which have one hash, if there are too many.
fn drop_common(found: &mut Vec<Posting>, start: usize, max: usize) {
    if found.len() - start > max {
        found.truncate(start);
    }
}

/// A recording of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceRow {
    pub(crate) id: i64,
    pub(crate) asset_id: Id,
    pub(crate) duration: MediaTime,
}

/// Those of the sources that this owner has, of the current version, ordered by id; sources that were deleted since their
/// landmarks were read are absent.
pub(crate) async fn find_sources(
    conn: &mut PgConnection,
    scope: &Scope,
    ids: &[i64],
) -> sqlx::Result<Vec<SourceRow>> {
    let ids: Vec<i32> = ids.iter().filter_map(|id| i32::try_from(*id).ok()).collect();
    let rows = sqlx::query!(
        r#"-- audio_identify::find_sources
        SELECT id, asset_id AS "asset_id: Id", duration_us FROM fingerprint_sources
        WHERE tenant_id = $1 AND env = $2 AND id = ANY ($3) AND version = $4 ORDER BY id"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        &ids,
        version(),
    )
    .fetch_all(conn)
    .await?;
    let sources = rows.into_iter().map(|row| SourceRow {
        id: row.id.into(),
        asset_id: row.asset_id,
        duration: MediaTime::from_micros(row.duration_us),
    });
    Ok(sources.collect())
}

/// The assets of this owner with these bytes, by id.
pub(crate) async fn find_twins(
    conn: &mut PgConnection,
    scope: &Scope,
    sha256: &str,
    limit: usize,
) -> sqlx::Result<Vec<Id>> {
    sqlx::query_scalar!(
        r#"-- audio_identify::find_twins
        SELECT id AS "id: Id" FROM media_assets
        WHERE tenant_id = $1 AND env = $2 AND content_sha256 = $3 ORDER BY id LIMIT $4"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        sha256,
        i64::try_from(limit).unwrap_or(i64::MAX),
    )
    .fetch_all(conn)
    .await
}

/// How much of an owner's library is in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexFigures {
    /// Audio and video assets that are not known to have no audio.
    pub(crate) assets: i64,
    /// Those in the index, by the current version.
    pub(crate) indexed_assets: i64,
    /// Their total duration.
    pub(crate) indexed: MediaTime,
}

/// Reads the figures of an owner.
pub(crate) async fn figures(conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<IndexFigures> {
    let row = sqlx::query!(
        r#"-- audio_identify::figures
        SELECT (
            SELECT count(*) FROM media_assets a
            WHERE a.tenant_id = $1 AND a.env = $2 AND a.kind IN ('audio', 'video') AND a.audio_channels IS DISTINCT FROM 0
        ) AS "assets!", count(*) AS "indexed_assets!", coalesce(sum(s.duration_us), 0)::bigint AS "indexed_us!"
        FROM fingerprint_sources s
        WHERE s.tenant_id = $1 AND s.env = $2 AND s.version = $3 AND s.failure IS NULL"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        version(),
    )
    .fetch_one(conn)
    .await?;
    Ok(IndexFigures {
        assets: row.assets,
        indexed_assets: row.indexed_assets,
        indexed: MediaTime::from_micros(row.indexed_us),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postings_of_common_hashes_are_dropped() {
        let posting = |hash| Posting { hash, source: 1, frame: 0 };
        let mut found = vec![posting(1); 3];
        found.resize(3 + 10, posting(2));
        drop_common(&mut found, 3, 10);
        assert_eq!(found.len(), 3 + 10, "at the limit");
        found.push(posting(2));
        drop_common(&mut found, 3, 10);
        assert_eq!(found, vec![posting(1); 3]);
    }
}
