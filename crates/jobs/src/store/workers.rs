//! Live processes, and jobs that none of them would ever start.

use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use sqlx::PgConnection;

use super::QueueEntry;
use super::events::add_state;
use crate::heavy_calls::Lane;
use crate::model::JobState;

const MAX_STRANDED: i64 = 100;

/// A process of the service.
#[derive(Clone, Debug)]
pub(crate) struct ReplicaRow {
    pub(crate) id: String,
    pub(crate) role: Option<String>,
    pub(crate) kinds: Vec<String>,
    pub(crate) offers: Vec<String>,
    pub(crate) probe_uri: Option<String>,
}

/// Writes the heartbeat of a process.
pub(crate) async fn renew_replica(conn: &mut PgConnection, replica: &ReplicaRow) -> sqlx::Result<()> {
    sqlx::query!(
        "-- jobs::renew_replica
         WITH forgotten AS (DELETE FROM job_workers WHERE seen_at < clock_timestamp() - interval '10 minutes')
         INSERT INTO job_workers (id, role, kinds, offers, probe_uri, seen_at)
         VALUES ($1, $2, $3, $4, $5, clock_timestamp())
         ON CONFLICT (id) DO UPDATE SET offers = excluded.offers, seen_at = excluded.seen_at",
        replica.id,
        replica.role,
        &replica.kinds,
        &replica.offers,
        replica.probe_uri,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Processes seen within the last 15 seconds by the database's clock, except this one.
pub(crate) async fn live_replicas(conn: &mut PgConnection, id: &str) -> sqlx::Result<Vec<ReplicaRow>> {
    sqlx::query_as!(
        ReplicaRow,
        "-- jobs::live_replicas
         SELECT id, role, kinds, offers, probe_uri FROM job_workers 
         WHERE seen_at > clock_timestamp() - interval '15 seconds' AND id <> $1 ORDER BY id",
        id
    )
    .fetch_all(conn)
    .await
}

/// Removes the row of a stopped process.
pub(crate) async fn remove_replica(conn: &mut PgConnection, id: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "-- jobs::remove_replica
         DELETE FROM job_workers WHERE id = $1",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a job of the lane with one of `payloads` has been queued since before `since`.
pub(crate) async fn has_waited(
    conn: &mut PgConnection,
    lane: Lane,
    since: DateTime<Utc>,
    payloads: &[String],
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"-- jobs::has_waited
        SELECT EXISTS (
            SELECT FROM jobs
            WHERE state = 'queued' AND lane = $1 AND created_at < $2 AND kind || '/' || payload_version = ANY ($3)
        ) AS "has!""#,
        lane.as_str(),
        since,
        payloads,
    )
    .fetch_one(conn)
    .await
}

/// Number of jobs of a kind in a state.
#[derive(Debug)]
pub(crate) struct ActiveJobs {
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) count: i64,
}

/// Counts queued and running jobs by kind and state.
pub(crate) async fn count_active(conn: &mut PgConnection) -> sqlx::Result<Vec<ActiveJobs>> {
    sqlx::query_as!(
        ActiveJobs,
        r#"-- jobs::count_active
        SELECT kind, state, count(*) AS "count!" FROM jobs WHERE state IN ('queued', 'running') GROUP BY kind, state"#
    )
    .fetch_all(conn)
    .await
}

/// A job without an entry in the queue.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Stranded {
    pub(crate) tenant_id: String,
    pub(crate) env: String,
    pub(crate) id: String,
    #[sqlx(flatten)]
    pub(crate) entry: QueueEntry,
    pub(crate) attempts: i32,
}

/// Jobs with `payloads` accepted before `before` that have not ended, and that no entry of the queue will ever start.
pub(crate) async fn stranded(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    payloads: &[String],
) -> sqlx::Result<Vec<Stranded>> {
    // Not checked at compile time: the queue's tables are created by its library.
    sqlx::query_as(
        "-- jobs::stranded
         SELECT j.tenant_id, j.env, j.id, j.kind, j.lane, j.payload_version, j.priority, j.ticket, j.attempts
         FROM jobs j
         WHERE j.created_at < $1 AND j.kind || '/' || j.payload_version = ANY ($3) AND (
             j.state = 'queued' AND NOT EXISTS (
                 SELECT FROM graphile_worker._private_jobs q
                 WHERE q.key = j.tenant_id || ' ' || j.env || ' ' || j.id AND q.attempts < q.max_attempts
             )
             OR j.state = 'running' AND j.queue_id IS NOT NULL AND NOT EXISTS (
                 SELECT FROM graphile_worker._private_jobs q
                 WHERE q.id = j.queue_id AND (q.locked_at IS NOT NULL OR q.attempts < q.max_attempts)
             )
         )
         ORDER BY j.created_at LIMIT $2",
    )
    .bind(before)
    .bind(MAX_STRANDED)
    .bind(payloads)
    .fetch_all(conn)
    .await
}

/// Queues a stranded job again, unless it was started since.
pub(crate) async fn requeue_stranded(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    attempt: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let requeued = sqlx::query!(
        "-- jobs::requeue_stranded
         UPDATE jobs SET lost = CASE state WHEN 'running' THEN lost + 1 ELSE lost END, state = 'queued', stage = NULL, queue_id = NULL
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND state IN ('queued', 'running') AND attempts = $4",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        attempt,
    )
    .execute(&mut *conn)
    .await?;
    let is_requeued = requeued.rows_affected() > 0;
    if is_requeued {
        add_state(conn, scope, id, JobState::Queued, now).await?;
    }
    Ok(is_requeued)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[tokio::test]
    async fn only_jobs_with_a_readable_payload_count_as_waiting() {
        let database = db::testing::TestDatabase::create().await;
        sqlx::query(
            "INSERT INTO jobs (tenant_id, env, id, kind, priority, state, ticket, request_id, access_level, path, body,
                 created_at, payload_version)
             VALUES ('t1', 'dev', 'job_1', 'analyze', 'interactive', 'queued', 0, '', '', '', '', to_timestamp(0), 1)",
        )
        .execute(&database.pool)
        .await
        .unwrap();
        let has_waited = async |since: DateTime<Utc>, payloads: &[&str]| {
            let payloads: Vec<String> = payloads.iter().map(ToString::to_string).collect();
            let mut conn = database.pool.acquire().await.unwrap();
            has_waited(&mut conn, Lane::Analysis, since, &payloads).await.unwrap()
        };
        let later = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(1);
        assert!(has_waited(later, &["analyze/0", "analyze/1"]).await);
        assert!(!has_waited(later, &["analyze/0", "of_another_kind/1"]).await, "a later version runs it");
        assert!(!has_waited(DateTime::<Utc>::UNIX_EPOCH, &["analyze/1"]).await, "not for long");
    }
}
