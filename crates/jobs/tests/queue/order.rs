//! Order in which jobs are started.

use std::time::Duration;

use serde_json::json;
use test_kit::scope;

use crate::support::{ANALYZE, RENDER, TestState};

const GRACE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn tenants_take_turns_and_keep_their_own_order() {
    let state = TestState::new().await;
    for name in ["1", "2", "3"] {
        state.enqueue("t1", name).await;
    }
    let late = state.enqueue("t2", "1").await;
    let last = state.enqueue("t1", "4").await;
    state.work(&state.jobs, 1, GRACE);
    state.ended("t2", &late).await;
    state.ended("t1", &last).await;
    // The first ticket is of both tenants.
    let mut begun = state.begun();
    begun[..2].sort();
    assert_eq!(begun, ["t1 1", "t2 1", "t1 2", "t1 3", "t1 4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn late_tenant_does_not_wait_for_the_whole_backlog() {
    let state = TestState::new().await;
    let first = state.enqueue("t1", "held").await;
    for name in ["2", "3"] {
        state.enqueue("t1", name).await;
    }
    state.work(&state.jobs, 1, GRACE);
    state.running("t1", &first).await;
    // Jobs of another lane run meanwhile, and do not advance the tickets of this one.
    for _ in 0..10 {
        let answer = state.call("t3", RENDER, "", json!({"name": "render"})).await;
        assert_eq!(answer.status, 201);
    }
    let late = state.enqueue("t2", "late").await;
    state.routes.gate.0.add_permits(1);
    state.ended("t2", &late).await;
    let begun: Vec<String> = state.begun().into_iter().filter(|name| !name.ends_with("render")).collect();
    assert_eq!(begun[..2], ["t1 held", "t2 late"], "{begun:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_jobs_wait_for_interactive_ones() {
    let state = TestState::new().await;
    let batch = state.call("t1", ANALYZE, "respond-async, priority=batch", json!({"name": "batch"})).await;
    assert_eq!(batch.status, 202);
    let interactive = state.enqueue("t1", "interactive").await;
    state.work(&state.jobs, 1, GRACE);
    state.ended("t1", &interactive).await;
    assert_eq!(state.begun()[0], "t1 interactive");
}

#[tokio::test(flavor = "multi_thread")]
async fn job_that_is_put_back_keeps_its_ticket() {
    let state = TestState::new().await;
    let first = state.enqueue("t1", "1 held").await;
    let second = state.enqueue("t1", "2").await;
    let stopped = state.twin().await;
    let worker = state.work(&stopped, 1, Duration::ZERO);
    state.running("t1", &first).await;
    stopped.stop();
    tokio::time::timeout(Duration::from_secs(20), worker).await.unwrap().unwrap();
    let waiting = state.wait_for("t1", &first, |job| job.queue_position.is_some()).await;
    assert_eq!((waiting.queue_position, waiting.attempts), (Some(0), 1));
    state.routes.gate.0.add_permits(1);
    state.work(&state.jobs, 1, GRACE);
    state.ended("t1", &second).await;
    assert_eq!(state.begun(), ["t1 1 held", "t1 1 held", "t1 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_jobs_leave_no_entries_and_do_not_delay_the_next_job_of_their_tenant() {
    let state = TestState::new().await;
    for count in 0..50 {
        let id = state.enqueue("t1", &format!("cancelled {count}")).await;
        state.jobs.cancel(&scope("t1"), &id).await.unwrap();
    }
    let mut many = Vec::new();
    for count in 0..50 {
        many.push(state.enqueue("t1", &format!("cancelled {count}")).await);
    }
    for id in &many {
        state.jobs.cancel(&scope("t1"), id).await.unwrap();
    }
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM graphile_worker._private_jobs")
        .fetch_one(&state.pool)
        .await
        .unwrap();
    assert_eq!(entries, 0);
    state.enqueue("t2", "1").await;
    state.enqueue("t1", "next").await;
    state.enqueue("t2", "2").await;
    let last = state.enqueue("t2", "3").await;
    state.work(&state.jobs, 1, GRACE);
    state.ended("t2", &last).await;
    // The second ticket is of both tenants.
    let mut begun = state.begun();
    begun[1..3].sort();
    assert_eq!(begun, ["t2 1", "t1 next", "t2 2", "t2 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ticket_after_a_cancelled_job_follows_those_that_still_wait() {
    let state = TestState::new().await;
    state.enqueue("t1", "1").await;
    state.enqueue("t1", "2").await;
    let cancelled = state.enqueue("t1", "3").await;
    state.jobs.cancel(&scope("t1"), &cancelled).await.unwrap();
    let last = state.enqueue("t1", "4").await;
    let tickets: Vec<i64> =
        sqlx::query_scalar("SELECT ticket FROM jobs WHERE state = 'queued' ORDER BY created_at")
            .fetch_all(&state.pool)
            .await
            .unwrap();
    assert_eq!(tickets, [0, 1, 2]);
    state.work(&state.jobs, 1, GRACE);
    state.ended("t1", &last).await;
    assert_eq!(state.begun(), ["t1 1", "t1 2", "t1 4"]);
}
