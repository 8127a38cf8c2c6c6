//! Answers of heavy calls and of their jobs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;
use jobs::JobLimits;
use jobs::model::JobState;
use primitives::WriteSeed;
use serde_json::json;

use crate::support::{ANALYZE, RENDER, World, json_of, owner};

const GRACE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn call_without_prefer_waits_for_its_job() {
    let world = World::new().await;
    world.work(&world.jobs, 1, GRACE);
    let answer = world.call("t1", ANALYZE, "", json!({"name": "a"})).await;
    assert_eq!((answer.status(), json_of(answer).await["name"].as_str()), (StatusCode::CREATED, Some("a")));
    let refused = world.call("t1", ANALYZE, "", json!({})).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let broken = world.call("t1", ANALYZE, "", json!({"name": "broken"})).await;
    assert_eq!(broken.headers()["content-type"], "application/problem+json");
    assert_eq!(
        (broken.status(), json_of(broken).await["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("undecodable_media"))
    );
    let waited = world.call("t1", ANALYZE, "respond-async, wait=30", json!({"name": "broken"})).await;
    assert_eq!(waited.status(), StatusCode::UNPROCESSABLE_ENTITY, "the problem, not the job");
}

#[tokio::test(flavor = "multi_thread")]
async fn job_continues_when_its_caller_disconnects() {
    let world = World::new().await;
    world.work(&world.jobs, 1, GRACE);
    let call = world.call("t1", ANALYZE, "", json!({"name": "held"}));
    assert!(tokio::time::timeout(Duration::from_secs(2), call).await.is_err());
    world.routes.gate.0.add_permits(1);
    let page = primitives::PageParams::new(None, None).unwrap();
    let jobs = world.jobs.list(&owner("t1"), None, None, &page).await.unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(world.ended("t1", &jobs[0].id).await.state, JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_requests_and_answers_are_stored_as_blobs() {
    let world = World::new().await;
    world.work(&world.jobs, 1, GRACE);
    let filling = 3 << 20;
    let request = json!({"name": "large", "filling": filling, "more": "y".repeat(2 << 20)});
    let answer = json_of(world.call("t1", RENDER, "", request).await).await;
    assert_eq!(answer["filling"].as_str().unwrap().len(), filling);
    let in_database: Option<i64> = sqlx::query_scalar(
        "SELECT sum(length(j.body) + length(r.body)) FROM jobs j JOIN job_results r ON r.job_id = j.id",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!(in_database, Some(0));
    let too_large = json!({"name": "large", "more": "y".repeat(2 << 20)});
    assert_eq!(world.call("t1", ANALYZE, "", too_large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn job_retries_a_busy_service_and_fails_on_other_errors() {
    let world = World::new().await;
    world.routes.busy.store(2, Ordering::Relaxed);
    world.work(&world.jobs, 1, GRACE);
    let answer = world.call("t1", ANALYZE, "", json!({"name": "a"})).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(world.begun(), ["t1 a"; 3]);
    let broken = world.call("t1", ANALYZE, "", json!({"name": "broken"})).await;
    assert_eq!(broken.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.begun().len(), 4, "tried once");
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_jobs_are_limited_for_each_tenant_and_for_all() {
    let limits = JobLimits { waiting_per_tenant: 2, waiting: 3, ..JobLimits::default() };
    let world = World::with_limits(limits).await;
    for name in ["a", "b"] {
        world.enqueue("t1", name).await;
    }
    let call = async |tenant| world.call(tenant, ANALYZE, "respond-async", json!({"name": "c"})).await;
    let refused = call("t1").await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(
        (refused.status(), json_of(refused).await["code"].as_str()),
        (StatusCode::TOO_MANY_REQUESTS, Some("too_many_jobs"))
    );
    assert_eq!(call("t2").await.status(), StatusCode::ACCEPTED);
    assert_eq!(call("t3").await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_key_retries_a_failed_job() {
    let world = World::new().await;
    world.work(&world.jobs, 1, GRACE);
    for _ in 0..2 {
        let call = world.call("t1", ANALYZE, "", json!({"name": "broken"}));
        let answer = WriteSeed::scope(Some(WriteSeed::new("key")), call).await;
        assert_eq!(json_of(answer).await["code"], "undecodable_media");
    }
    assert_eq!(world.begun(), ["t1 broken"; 2]);
    let page = primitives::PageParams::new(None, None).unwrap();
    assert_eq!(world.jobs.list(&owner("t1"), None, None, &page).await.unwrap().len(), 1);
}
