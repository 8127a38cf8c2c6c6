//! Indexes the samples that were registered before the index existed, in bounded batches.

use primitives::{Id, Scope};
use sqlx::PgPool;

/// Number of artifacts that a batch reads in one statement.
const BATCH: i64 = 5_000;

/// An artifact up to which the indexing has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedArtifact {
    /// The owner.
    pub scope: Scope,
    /// The artifact.
    pub artifact_id: Id,
}

/// The result of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleBatch {
    /// The last artifact of the batch; `None` after the last batch.
    pub last: Option<IndexedArtifact>,
    /// Number of samples that were indexed.
    pub indexed: u64,
}

struct LastRow {
    tenant_id: Id,
    env: Id,
    id: Id,
    indexed: i64,
}

/// Indexes the samples among the next 5 000 artifacts of all owners after `after`, in order of owner and id: all of them,
/// or those that are not in the index. Safe while the service runs: an artifact of the batch is not deleted before its
/// sample is inserted.
///
/// # Errors
/// Database errors.
pub async fn index_samples(
    pool: &PgPool,
    after: Option<&IndexedArtifact>,
    all: bool,
) -> sqlx::Result<SampleBatch> {
    let [tenant_id, env, id] = after.map_or([""; 3], |after| {
        [after.scope.tenant_id.as_str(), after.scope.env.as_str(), after.artifact_id.as_str()]
    });
    let last = sqlx::query_as!(
        LastRow,
        r#"-- library::index_samples
        WITH page AS (
            SELECT * FROM artifacts
            WHERE (tenant_id, env, id) > ($1, $2, $3) ORDER BY tenant_id, env, id LIMIT $4
            FOR KEY SHARE
        ), indexed AS (
            INSERT INTO samples AS old
            SELECT made.* FROM page a CROSS JOIN LATERAL sample_row(ROW(a.*)::artifacts) made
            ON CONFLICT (tenant_id, env, artifact_id) DO UPDATE SET
                duration_us = EXCLUDED.duration_us, score = EXCLUDED.score, bpm = EXCLUDED.bpm, bars = EXCLUDED.bars,
                role = EXCLUDED.role, role_confidence = EXCLUDED.role_confidence, key = EXCLUDED.key,
                peak_db = EXCLUDED.peak_db, energy = EXCLUDED.energy, brightness_hz = EXCLUDED.brightness_hz,
                transcript = EXCLUDED.transcript, words = EXCLUDED.words, descriptor = EXCLUDED.descriptor
            WHERE $5
            RETURNING old.artifact_id
        )
        SELECT tenant_id AS "tenant_id!: Id", env AS "env!: Id", id AS "id!: Id",
               (SELECT count(*) FROM indexed) AS "indexed!"
        FROM page ORDER BY tenant_id DESC, env DESC, id DESC LIMIT 1"#,
        tenant_id,
        env,
        id,
        BATCH,
        all,
    )
    .fetch_optional(pool)
    .await?;
    Ok(match last {
        None => SampleBatch { last: None, indexed: 0 },
        Some(LastRow { tenant_id, env, id, indexed }) => SampleBatch {
            last: Some(IndexedArtifact { scope: Scope { tenant_id, env }, artifact_id: id }),
            indexed: indexed.cast_unsigned(),
        },
    })
}
