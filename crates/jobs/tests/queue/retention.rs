//! Removal of finished jobs.

use std::time::Duration;

use crate::support::TestState;

const GRACE: Duration = Duration::from_secs(1);
/// More than two batches of a removal.
const OLD: i32 = 1_200;

/// Copies the only job `OLD` times, with its events, as jobs that ended before the retention, and adds as many
/// deliveries that have ended, and one that has not.
async fn add_old_jobs(state: &TestState) {
    for statement in [
        "INSERT INTO jobs (tenant_id, env, id, kind, priority, state, ticket, request_id, access_level, path, body,
             created_at, finished_at)
         SELECT tenant_id, env, 'old_' || n, kind, priority, state, ticket, request_id, access_level, path, body,
             created_at - interval '30 days', finished_at - interval '8 days'
         FROM jobs, generate_series(1, $1) AS n",
        "INSERT INTO job_events (tenant_id, env, job_id, event, data)
         SELECT e.tenant_id, e.env, 'old_' || n, e.event, e.data FROM job_events e, generate_series(1, $1) AS n",
        "WITH hook AS (
             INSERT INTO webhooks (tenant_id, env, id, url, kinds, states, secret, created_at)
             VALUES ('t1', 'dev', 'w', 'https://example.org', '{}', '{}', '', now()) RETURNING tenant_id, env, id
         )
         INSERT INTO webhook_deliveries
             (tenant_id, env, webhook_id, id, job_id, job_state, state, created_at, next_attempt_at)
         SELECT tenant_id, env, id, 'msg_' || n, 'old_' || n, 'succeeded',
             CASE n WHEN 0 THEN 'pending' ELSE 'delivered' END, now() - interval '8 days',
             CASE n WHEN 0 THEN now() + interval '1 day' END
         FROM hook, generate_series(0, $1) AS n",
    ] {
        sqlx::query(statement).bind(OLD).execute(&state.pool).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_jobs_are_removed_in_batches() {
    let state = TestState::new().await;
    let worker = state.work(&state.jobs, 1, GRACE);
    let young = state.enqueue("t1", "a").await;
    state.ended("t1", &young).await;
    worker.abort();
    add_old_jobs(&state).await;
    let count = async |table: &str| -> i64 {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sqlx::query_scalar(query).fetch_one(&state.pool).await.unwrap()
    };
    let events_of_one = count("job_events").await / i64::from(OLD + 1);
    assert_eq!(count("jobs").await, i64::from(OLD + 1));
    assert_eq!(state.jobs.remove_expired().await.unwrap(), OLD as u64);
    assert_eq!(count("jobs").await, 1);
    assert_eq!(count("job_events").await, events_of_one);
    assert_eq!(count("webhook_deliveries WHERE state = 'pending'").await, 1);
    assert_eq!(count("webhook_deliveries").await, 1);
    state.ended("t1", &young).await;
    assert_eq!(state.jobs.remove_expired().await.unwrap(), 0);
}
