//! Event streams, progress and estimates.

use std::time::Duration;

use test_kit::Api;

use crate::support::TestState;

const GRACE: Duration = Duration::from_secs(1);
/// Number of events that a stream reads at once.
const BATCH: i64 = 500;

#[tokio::test(flavor = "multi_thread")]
async fn event_stream_ends_if_the_end_of_the_job_fills_a_batch() {
    let state = TestState::new().await;
    state.work(&state.jobs, 1, GRACE);
    let id = state.enqueue("t1", "a").await;
    state.ended("t1", &id).await;
    // The end of the job is the last event: a full batch after `last`.
    let last: i64 = sqlx::query_scalar(
        "WITH last AS (SELECT max(sequence) AS sequence FROM job_events), ends AS (
             INSERT INTO job_events (tenant_id, env, job_id, event, data)
             SELECT tenant_id, env, job_id, event, data FROM job_events JOIN last USING (sequence),
                 generate_series(1, $1)
         )
         SELECT sequence FROM last",
    )
    .bind(BATCH)
    .fetch_one(&state.pool)
    .await
    .unwrap();
    let (router, _) = jobs::router(state.jobs.clone()).split_for_parts();
    let api = Api::new(router).header("last-event-id", &last.to_string());
    let path = format!("/jobs/{id}/events");
    let answer = tokio::time::timeout(Duration::from_secs(60), api.get(&path)).await;
    let events = answer.expect("the stream ends").text();
    assert_eq!(events.matches("event: state").count() as i64, BATCH);
    assert!(events.contains("succeeded"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn running_job_has_its_stage_and_after_five_seconds_an_estimate() {
    let state = TestState::new().await;
    state.work(&state.jobs, 1, GRACE);
    let id = state.enqueue("t1", "held").await;
    let early = state.wait_for("t1", &id, |job| job.progress > 0.0).await;
    assert_eq!((early.stage.as_deref(), early.progress), (Some("working"), 0.5));
    assert_eq!(early.eta_s, None, "too early");
    let late = state.wait_for("t1", &id, |job| job.eta_s.is_some()).await;
    // Half of the work took as long as the other half will.
    assert!((5..30).contains(&late.eta_s.unwrap()), "{late:?}");
    state.routes.gate.0.add_permits(1);
    let done = state.ended("t1", &id).await;
    assert_eq!((done.stage, done.progress, done.eta_s), (None, 1.0, None));
}
