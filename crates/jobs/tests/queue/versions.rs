//! Workers of two versions on one queue.

use std::time::Duration;

use bytes::Bytes;
use jobs::model::{JobPriority, JobState};
use jobs::{HeavyCall, Jobs, Lane, NewJob};
use primitives::{AccessLevel, Id};
use serde_json::json;
use test_kit::{context, scope};
use tokio::time::sleep;

use crate::support::{ANALYZE, TestState};

const GRACE: Duration = Duration::from_secs(1);
const NEWER_ANALYZE: HeavyCall =
    HeavyCall { path: ANALYZE, kind: "analyze", lane: Lane::Analysis, payload_version: 1 };
/// Calls of tomorrow's version: `analyze` has a new form, and there is a new kind.
const TOMORROW: &[HeavyCall] = &[
    NEWER_ANALYZE,
    HeavyCall { path: ANALYZE, kind: "of_tomorrow", lane: Lane::Analysis, payload_version: 0 },
];

/// Enqueues a job of tomorrow's version, as an api process of it does.
async fn enqueue(jobs: &Jobs, call: HeavyCall, name: &str) -> Id {
    let new = NewJob {
        call,
        path: call.path.to_owned(),
        priority: JobPriority::Interactive,
        level: AccessLevel::Write,
        body: Bytes::from(json!({"name": name}).to_string()),
        trace: None,
    };
    jobs.enqueue(&context("t1"), new).await.unwrap().id
}

/// Changes a queued job in its row only, as if its entry in the queue were of the version before flags.
async fn change(state: &TestState, id: &Id, kind: &str, payload_version: i32) {
    sqlx::query("UPDATE jobs SET kind = $2, payload_version = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(kind)
        .bind(payload_version)
        .execute(&state.pool)
        .await
        .unwrap();
}

async fn assert_untouched(state: &TestState, id: &Id) {
    let waiting = state.jobs.get(&scope("t1"), id).await.unwrap();
    assert_eq!((waiting.state, waiting.attempts), (JobState::Queued, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn job_kind_of_another_version_is_left_to_its_workers() {
    let state = TestState::new().await;
    let id = state.enqueue("t1", "a").await;
    change(&state, &id, "of_tomorrow", 0).await;
    state.work(&state.jobs, 1, GRACE);
    sleep(Duration::from_secs(2)).await;
    assert_untouched(&state, &id).await;
    state.work_on(&state.jobs, TOMORROW, 1, GRACE);
    assert_eq!(state.ended("t1", &id).await.state, JobState::Succeeded, "its entry is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn payload_of_a_later_version_waits_in_order_for_a_worker_that_reads_it() {
    let state = TestState::new().await;
    state.enqueue("t1", "1").await;
    let changed = state.enqueue("t1", "2 changed").await;
    change(&state, &changed, "analyze", 1).await;
    let newer = enqueue(&state.jobs, NEWER_ANALYZE, "3 newer").await;
    let readable = state.enqueue("t1", "4").await;

    let older = state.twin().await;
    let worker = state.work(&older, 1, GRACE);
    state.ended("t1", &readable).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(state.begun(), ["t1 1", "t1 4"]);
    for id in [&changed, &newer] {
        assert_untouched(&state, id).await;
    }
    older.stop();
    tokio::time::timeout(Duration::from_secs(20), worker).await.unwrap().unwrap();

    let last = state.enqueue("t1", "5").await;
    state.work_on(&state.jobs, TOMORROW, 1, GRACE);
    state.ended("t1", &last).await;
    assert_eq!(state.begun()[2..], ["t1 2 changed", "t1 3 newer", "t1 5"]);
}
