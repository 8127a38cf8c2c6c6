//! Workers that die, stop, or lose their database; cancelled jobs.

use std::time::Duration;

use jobs::model::JobState;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::support::{ANALYZE, World, owner};

const GRACE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn job_that_kills_its_workers_fails_as_worker_lost() {
    let world = World::new().await;
    let id = world.enqueue("t1", "held").await;
    for attempt in 1..=3 {
        let twin = world.twin().await;
        let worker = world.work(&twin, 1, GRACE);
        let begun = Instant::now();
        world.wait_for("t1", &id, |job| job.attempts == attempt && job.state == JobState::Running).await;
        println!("start {attempt} after {:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(20));
        worker.abort();
    }
    world.work(&world.jobs, 1, GRACE);
    let failed = world.ended("t1", &id).await;
    assert_eq!(
        (failed.state, failed.problem.unwrap()["code"].as_str()),
        (JobState::Failed, Some("worker_lost"))
    );
    assert_eq!(world.begun().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_work_continues_while_another_job_waits_for_it() {
    let world = World::new().await;
    let (first, second) = (world.enqueue("t1", "held").await, world.enqueue("t1", "held").await);
    world.work(&world.jobs, 2, GRACE);
    world.running("t1", &first).await;
    world.running("t1", &second).await;
    let asked = Instant::now();
    world.jobs.cancel(&owner("t1"), &first).await.unwrap();
    assert_eq!(world.ended("t1", &first).await.state, JobState::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    // Both are still waiting at the gate.
    world.routes.gate.0.add_permits(2);
    assert_eq!(world.ended("t1", &second).await.state, JobState::Succeeded);
    let until = Instant::now() + Duration::from_secs(10);
    while world.routes.gate.0.available_permits() > 0 {
        assert!(Instant::now() < until, "the work of the cancelled job was dropped");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_work_ends_if_no_other_job_wants_it() {
    let world = World::new().await;
    let (first, second) = (world.enqueue("t1", "held").await, world.enqueue("t1", "held").await);
    world.work(&world.jobs, 1, GRACE);
    world.running("t1", &first).await;
    world.jobs.cancel(&owner("t1"), &first).await.unwrap();
    world.jobs.cancel(&owner("t1"), &second).await.unwrap();
    assert_eq!(world.ended("t1", &first).await.state, JobState::Cancelled);
    sleep(Duration::from_secs(2)).await;
    world.routes.gate.0.add_permits(1);
    sleep(Duration::from_millis(500)).await;
    assert_eq!(world.routes.gate.0.available_permits(), 1, "nothing waits at the gate any longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn job_kind_of_another_version_is_left_to_its_workers() {
    let world = World::new().await;
    let id = world.enqueue("t1", "a").await;
    sqlx::query("UPDATE jobs SET kind = 'of_tomorrow'").execute(&world.pool).await.unwrap();
    world.work(&world.jobs, 1, GRACE);
    sleep(Duration::from_secs(2)).await;
    let waiting = world.jobs.get(&owner("t1"), &id).await.unwrap();
    assert_eq!((waiting.state, waiting.attempts), (JobState::Queued, 0));
    sqlx::query("UPDATE jobs SET kind = 'analyze'").execute(&world.pool).await.unwrap();
    assert_eq!(world.ended("t1", &id).await.state, JobState::Succeeded, "its entry is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_job_is_retried_once() {
    let world = World::new().await;
    let id = world.enqueue("t1", "a").await;
    world.jobs.cancel(&owner("t1"), &id).await.unwrap();
    for _ in 0..3 {
        world.jobs.retry(&owner("t1"), &id).await.unwrap();
        world.jobs.cancel(&owner("t1"), &id).await.unwrap();
    }
    world.jobs.retry(&owner("t1"), &id).await.unwrap();
    world.work(&world.jobs, 4, GRACE);
    let done = world.ended("t1", &id).await;
    assert_eq!((done.state, done.attempts), (JobState::Succeeded, 1));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.begun(), ["t1 a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_survives_the_loss_of_its_connections() {
    let world = World::new().await;
    world.work(&world.jobs, 1, GRACE);
    let call = async |name: &str| world.call("t1", ANALYZE, "", json!({"name": name})).await.status();
    assert_eq!(call("before").await, 201);
    for _ in 0..3 {
        // Terminates all connections except this one, listeners too: as when the server restarts.
        let ended: Vec<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .fetch_all(&world.database.pool)
        .await
        .unwrap();
        assert!(!ended.is_empty());
    }
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        // The pool may return a connection that it does not know to be closed.
        let answered = tokio::time::timeout(Duration::from_secs(20), call("after")).await.unwrap();
        if answered == 201 {
            return;
        }
        assert!(Instant::now() < until, "{answered}");
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn job_without_a_queue_entry_is_queued_again() {
    let world = World::new().await;
    let id = world.enqueue("t1", "a").await;
    sqlx::query("DELETE FROM graphile_worker._private_jobs").execute(&world.pool).await.unwrap();
    sqlx::query("UPDATE jobs SET created_at = created_at - interval '2 minutes'")
        .execute(&world.pool)
        .await
        .unwrap();
    let waiting = world.jobs.get(&owner("t1"), &id).await.unwrap();
    assert_eq!(waiting.stage.as_deref(), Some("no worker runs jobs of this kind"));
    world.work(&world.jobs, 1, GRACE);
    assert_eq!(world.ended("t1", &id).await.state, JobState::Succeeded);
}
