//! Workers that die, stop, or lose their database; cancelled jobs.

use std::time::Duration;

use jobs::model::JobState;
use serde_json::json;
use test_kit::{scope, wait_for};
use tokio::time::{Instant, sleep};

use crate::support::{ANALYZE, TestState};

const GRACE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn job_that_kills_its_workers_fails_as_worker_lost() {
    let state = TestState::new().await;
    let id = state.enqueue("t1", "held").await;
    for attempt in 1..=3 {
        let twin = state.twin().await;
        let worker = state.work(&twin, 1, GRACE);
        let begun = Instant::now();
        state.wait_for("t1", &id, |job| job.attempts == attempt && job.state == JobState::Running).await;
        println!("start {attempt} after {:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(20));
        worker.abort();
    }
    state.work(&state.jobs, 1, GRACE);
    let failed = state.ended("t1", &id).await;
    assert_eq!(
        (failed.state, failed.problem.unwrap()["code"].as_str()),
        (JobState::Failed, Some("worker_lost"))
    );
    assert_eq!(state.begun().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn job_whose_handler_panics_fails_at_once_as_internal() {
    let state = TestState::new().await;
    state.work(&state.jobs, 1, GRACE);
    let id = state.enqueue("t1", "panic").await;
    let failed = state.ended("t1", &id).await;
    assert_eq!((failed.state, failed.attempts), (JobState::Failed, 1));
    assert_eq!(failed.problem.unwrap()["code"], "internal");
    assert_eq!(state.begun(), ["t1 panic"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_work_continues_while_another_job_waits_for_it() {
    let state = TestState::new().await;
    let (first, second) = (state.enqueue("t1", "held").await, state.enqueue("t1", "held").await);
    state.work(&state.jobs, 2, GRACE);
    state.running("t1", &first).await;
    state.running("t1", &second).await;
    let asked = Instant::now();
    state.jobs.cancel(&scope("t1"), &first).await.unwrap();
    assert_eq!(state.ended("t1", &first).await.state, JobState::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    // Both are still waiting at the gate.
    state.routes.gate.0.add_permits(2);
    assert_eq!(state.ended("t1", &second).await.state, JobState::Succeeded);
    wait_for(Duration::from_secs(10), async || match state.routes.gate.0.available_permits() {
        0 => Ok(()),
        _ => Err("the work of the cancelled job was dropped"),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_work_ends_if_no_other_job_wants_it() {
    let state = TestState::new().await;
    let (first, second) = (state.enqueue("t1", "held").await, state.enqueue("t1", "held").await);
    state.work(&state.jobs, 1, GRACE);
    state.running("t1", &first).await;
    state.jobs.cancel(&scope("t1"), &first).await.unwrap();
    state.jobs.cancel(&scope("t1"), &second).await.unwrap();
    assert_eq!(state.ended("t1", &first).await.state, JobState::Cancelled);
    sleep(Duration::from_secs(2)).await;
    state.routes.gate.0.add_permits(1);
    sleep(Duration::from_millis(500)).await;
    assert_eq!(state.routes.gate.0.available_permits(), 1, "nothing waits at the gate any longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_job_is_retried_once() {
    let state = TestState::new().await;
    let id = state.enqueue("t1", "a").await;
    state.jobs.cancel(&scope("t1"), &id).await.unwrap();
    for _ in 0..3 {
        state.jobs.retry(&scope("t1"), &id).await.unwrap();
        state.jobs.cancel(&scope("t1"), &id).await.unwrap();
    }
    state.jobs.retry(&scope("t1"), &id).await.unwrap();
    state.work(&state.jobs, 4, GRACE);
    let done = state.ended("t1", &id).await;
    assert_eq!((done.state, done.attempts), (JobState::Succeeded, 1));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(state.begun(), ["t1 a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_survives_the_loss_of_its_connections() {
    let state = TestState::new().await;
    state.work(&state.jobs, 1, GRACE);
    let call = async |name: &str| state.call("t1", ANALYZE, "", json!({"name": name})).await.status;
    assert_eq!(call("before").await, 201);
    for _ in 0..3 {
        // Terminates all connections except this one, listeners too: as when the server restarts.
        let ended: Vec<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .fetch_all(&state.database.pool)
        .await
        .unwrap();
        assert!(!ended.is_empty());
    }
    wait_for(Duration::from_secs(30), async || {
        // The pool may return a connection that it does not know to be closed.
        match tokio::time::timeout(Duration::from_secs(20), call("after")).await.unwrap() {
            201 => Ok(()),
            status => Err(format!("status {status}")),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_without_a_queue_entry_is_queued_again() {
    let state = TestState::new().await;
    let id = state.enqueue("t1", "a").await;
    sqlx::query("DELETE FROM graphile_worker._private_jobs").execute(&state.pool).await.unwrap();
    sqlx::query("UPDATE jobs SET created_at = created_at - interval '2 minutes'")
        .execute(&state.pool)
        .await
        .unwrap();
    let waiting = state.jobs.get(&scope("t1"), &id).await.unwrap();
    assert_eq!(waiting.stage.as_deref(), Some("no worker runs jobs of this kind"));
    state.work(&state.jobs, 1, GRACE);
    assert_eq!(state.ended("t1", &id).await.state, JobState::Succeeded);
}
