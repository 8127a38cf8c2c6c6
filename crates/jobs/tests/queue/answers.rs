//! Answers of heavy calls and of their jobs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::HeaderValue;
use jobs::JobLimits;
use jobs::model::JobState;
use primitives::WriteSeed;
use serde_json::json;
use test_kit::{scope, wait_for};

use crate::support::{ANALYZE, RENDER, TestState};

const GRACE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn call_without_prefer_waits_for_its_job() {
    let state = TestState::new().await;
    state.work(&state.jobs, 1, GRACE);
    let answer = state.call("t1", ANALYZE, "", json!({"name": "a"})).await;
    assert_eq!((answer.status, answer.json()["name"].as_str()), (201, Some("a")));
    assert_eq!(answer.header("location"), Some("/made/1"));
    let refused = state.call("t1", ANALYZE, "", json!({})).await;
    assert_eq!(refused.status, 422);
    let broken = state.call("t1", ANALYZE, "", json!({"name": "broken"})).await;
    assert_eq!(broken.headers["content-type"], "application/problem+json");
    assert_eq!((broken.status, broken.json()["code"].as_str()), (422, Some("undecodable_media")));
    let waited = state.call("t1", ANALYZE, "respond-async, wait=30", json!({"name": "broken"})).await;
    assert_eq!(waited.status, 422, "the problem, not the job");
}

#[tokio::test(flavor = "multi_thread")]
async fn job_continues_when_its_caller_disconnects() {
    let state = TestState::new().await;
    state.work(&state.jobs, 1, GRACE);
    let call = state.call("t1", ANALYZE, "", json!({"name": "held"}));
    assert!(tokio::time::timeout(Duration::from_secs(2), call).await.is_err());
    state.routes.gate.0.add_permits(1);
    let page = primitives::PageParams::new(None, None).unwrap();
    let jobs = state.jobs.list(&scope("t1"), None, None, &page).await.unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(state.ended("t1", &jobs[0].id).await.state, JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_requests_and_answers_are_stored_as_blobs() {
    let state = TestState::new().await;
    state.work(&state.jobs, 1, GRACE);
    let filling = 3 << 20;
    let request = json!({"name": "large", "filling": filling, "more": "y".repeat(2 << 20)});
    let answer = state.call("t1", RENDER, "", request).await.json();
    assert_eq!(answer["filling"].as_str().unwrap().len(), filling);
    let in_database: Option<i64> = sqlx::query_scalar(
        "SELECT sum(length(j.body) + length(r.body)) FROM jobs j JOIN job_results r ON r.job_id = j.id",
    )
    .fetch_one(&state.pool)
    .await
    .unwrap();
    assert_eq!(in_database, Some(0));
    let too_large = json!({"name": "large", "more": "y".repeat(2 << 20)});
    assert_eq!(state.call("t1", ANALYZE, "", too_large).await.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn job_retries_a_busy_service_and_fails_on_other_errors() {
    let state = TestState::new().await;
    state.routes.busy.store(2, Ordering::Relaxed);
    state.work(&state.jobs, 1, GRACE);
    let answer = state.call("t1", ANALYZE, "", json!({"name": "a"})).await;
    assert_eq!(answer.status, 201);
    assert_eq!(state.begun(), ["t1 a"; 3]);
    let broken = state.call("t1", ANALYZE, "", json!({"name": "broken"})).await;
    assert_eq!(broken.status, 422);
    assert_eq!(state.begun().len(), 4, "tried once");
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_jobs_are_limited_for_each_tenant_and_for_all() {
    let limits = JobLimits { waiting_per_tenant: 2, waiting: 3, ..JobLimits::default() };
    let state = TestState::with_limits(limits).await;
    for name in ["a", "b"] {
        state.enqueue("t1", name).await;
    }
    let call = async |tenant| state.call(tenant, ANALYZE, "respond-async", json!({"name": "c"})).await;
    let refused = call("t1").await;
    assert_eq!(refused.headers["retry-after"], "300", "no job has ended");
    assert_eq!((refused.status, refused.json()["code"].as_str()), (429, Some("too_many_jobs")));
    assert_eq!(call("t2").await.status, 202);
    let refused = call("t3").await;
    assert_eq!((refused.status, &refused.headers["retry-after"]), (503, &HeaderValue::from_static("300")));

    let other = state.twin().await;
    let worker = state.work(&other, 1, GRACE);
    wait_for(Duration::from_secs(60), async || match state.begun().len() {
        3.. => Ok(()),
        count => Err(count),
    })
    .await;
    other.stop();
    worker.await.unwrap();
    for name in ["d", "e"] {
        state.enqueue("t1", name).await;
    }
    // Two of the three were of this tenant.
    assert_eq!(call("t1").await.headers["retry-after"], "60");
    assert_eq!(call("t2").await.status, 202);
    assert_eq!(call("t3").await.headers["retry-after"], "60");
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_key_retries_a_failed_job() {
    let state = TestState::new().await;
    state.work(&state.jobs, 1, GRACE);
    for _ in 0..2 {
        let call = state.call("t1", ANALYZE, "", json!({"name": "broken"}));
        let answer = WriteSeed::scope(Some(WriteSeed::new("key")), call).await;
        assert_eq!(answer.json()["code"], "undecodable_media");
    }
    assert_eq!(state.begun(), ["t1 broken"; 2]);
    let page = primitives::PageParams::new(None, None).unwrap();
    assert_eq!(state.jobs.list(&scope("t1"), None, None, &page).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn job_is_accepted_without_reading_it_again() {
    let state = TestState::new().await;
    let first = state.call("t1", ANALYZE, "respond-async", json!({"name": "a"})).await;
    let second = state.call("t1", ANALYZE, "respond-async", json!({"name": "b"})).await;
    let job = second.json();
    assert_eq!((first.status, second.status), (202, 202));
    assert_eq!((&job["state"], &job["queue_position"]), (&json!("queued"), &json!(1)));
    assert_eq!(second.headers["location"].to_str().unwrap(), format!("/jobs/{}", second.id()));
    assert_eq!(second.headers["preference-applied"], "respond-async");
    assert!(second.headers.contains_key("retry-after"));
    let read = state.jobs.get(&scope("t1"), &second.id().parse().unwrap()).await.unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), job, "the same as it is read later");

    // A finished job of the same Idempotency-Key is the usual answer, not 202.
    state.work(&state.jobs, 1, GRACE);
    for expected in [202, 201] {
        let call = state.call("t1", ANALYZE, "respond-async", json!({"name": "c"}));
        let answer = WriteSeed::scope(Some(WriteSeed::new("key")), call).await;
        assert_eq!(answer.status, expected);
        if expected == 202 {
            state.ended("t1", &answer.id().parse().unwrap()).await;
        }
    }
}
