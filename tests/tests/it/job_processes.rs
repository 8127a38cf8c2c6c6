//! Jobs of several processes: workers that die or stop, and processes with roles.

use std::time::{Duration, Instant};

use e2e::{Deployment, binary, media};
use serde_json::{Value, json};
use test_kit::wait_for;

use crate::analysis::ANALYZE;
use crate::jobs::{Long, accepted, ended, id, later, parsed, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn job_of_a_dead_worker_is_run_elsewhere_once() {
    let deployment = Deployment::new().await;
    let first = deployment.start().await;
    let api = first.api("t1", "dev");
    let asset = api.upload(&Long::new(6).path()).await;
    let job = accepted(&later(&api, ANALYZE, &json!({"asset_id": asset["id"]}), 0).await);
    let path = format!("/jobs/{}", id(&job));
    wait_until(&api, &path, |job| job["state"] == "running").await;
    first.kill().await;
    let killed = Instant::now();
    let second = deployment.start().await;
    let api = second.api("t1", "dev");
    wait_until(&api, &path, |job| job["attempts"] == 2).await;
    println!("the job was taken over {:?} after its worker was killed", killed.elapsed());
    assert!(killed.elapsed() < Duration::from_secs(20));
    let done = wait_until(&api, &path, |job| job["state"] == "succeeded").await;
    assert_eq!(done["attempts"], 2);
    let artifacts = api.get(&format!("/media-v2/assets/{}", asset["id"].as_str().unwrap())).await.ok();
    assert_eq!(artifacts["artifacts"].as_array().unwrap().len(), 1, "{artifacts}");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_jobs_may_run_in_different_processes() {
    let deployment = Deployment::new().await;
    let front = deployment.start_with(&[("HARKBACK_ROLE", "api")]).await;
    let api = front.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let job = accepted(&later(&api, ANALYZE, &json!({"asset_id": asset["id"]}), 1).await);
    assert_eq!(
        (&job["state"], &job["queue_position"]),
        (&json!("queued"), &json!(0)),
        "no worker runs it: {job}"
    );
    let reasons = api.get("/readyz").await.ok()["reasons"].clone();
    assert_eq!(reasons, json!(["no worker is alive: jobs wait"]));
    // A worker with a store of its own would not find the uploads.
    let elsewhere = tempfile::tempdir().unwrap();
    let refused = binary::command(["serve", "--role", "worker", "--listen", "127.0.0.1:0"])
        .env("DATABASE_URL", deployment.database().url())
        .env("HARKBACK_DATA_DIR", elsewhere.path())
        .output();
    let refused = tokio::time::timeout(Duration::from_secs(60), refused).await.unwrap().unwrap();
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && error.contains("--storage-url"), "{error}");

    let worker = deployment.start_with(&[("HARKBACK_ROLE", "worker")]).await;
    assert_eq!(ended(&api, &job).await["state"], "succeeded");
    wait_until(&api, "/readyz", |ready| ready["status"] == "ready").await;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
    let refused = client.get(format!("{}/media-v2/assets", worker.base())).send().await.unwrap();
    assert_eq!(refused.status(), 404);
    worker.stop().await;
    front.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_event_streams_and_puts_jobs_back() {
    let deployment = Deployment::new().await;
    let first = deployment.start_with(&[("HARKBACK_SHUTDOWN_GRACE_S", "4")]).await;
    let api = first.api("t1", "dev");
    let asset = api.upload(&Long::new(6).path()).await;
    let all = api.clone();
    let stream = tokio::spawn(async move { all.get("/jobs/events").await });
    // The stream begins with events from now on.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let job = accepted(&later(&api, ANALYZE, &json!({"asset_id": asset["id"]}), 0).await);
    let path = format!("/jobs/{}", id(&job));
    wait_until(&api, &path, |job| job["state"] == "running").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.terminate();
    let events = parsed(&stream.await.unwrap().text());
    let (code, log) = first.ended().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(events.iter().any(|event| event.2["state"] == "running"), "{events:?}");
    let second = deployment.start().await;
    let api = second.api("t1", "dev");
    let done = wait_until(&api, &path, |job| job["state"] == "succeeded").await;
    assert_eq!(done["attempts"], 2, "{done}");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_without_the_backend_that_an_api_process_promises_is_unfit() {
    let deployment = Deployment::new().await;
    let worker = deployment.start_with(&[("HARKBACK_ROLE", "worker")]).await;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
    let url = format!("{}/readyz", worker.base());
    // The answer of the worker's `/readyz`, once it has this status.
    let has_status = async |status: u16| -> Value {
        wait_for(Duration::from_secs(60), async || {
            let reply = client.get(&url).send().await.unwrap();
            let (found, body) = (reply.status().as_u16(), reply.json::<Value>().await.unwrap());
            if found == status { Ok(body) } else { Err(body) }
        })
        .await
    };
    has_status(200).await;
    let settings = [("HARKBACK_ROLE", "api"), ("AUDIO_SEMANTIC_BACKEND", "whisper_aubio")];
    let front = deployment.start_with(&settings).await;
    let unfit = has_status(503).await;
    let detail = unfit["detail"].as_str().unwrap();
    assert_eq!(unfit["code"], "worker_unfit", "{unfit}");
    assert!(detail.contains("promises analysis by whisper_aubio"), "{unfit}");
    let api = front.api("t1", "dev");
    let is_without_worker = |ready: &Value| {
        let reasons = ready["reasons"].as_array().unwrap();
        reasons.iter().any(|reason| reason.as_str().unwrap().starts_with("no live worker offers analysis by"))
    };
    wait_until(&api, "/readyz", is_without_worker).await;
    front.stop().await;
    has_status(200).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_share_a_database_refuse_to_start_without_its_address() {
    for role in ["api", "worker"] {
        let directory = tempfile::tempdir().unwrap();
        let refused = binary::command(["serve", "--role", role, "--listen", "127.0.0.1:0"])
            .env("HARKBACK_DATA_DIR", directory.path())
            .output();
        let refused = tokio::time::timeout(Duration::from_secs(60), refused).await.unwrap().unwrap();
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && error.contains("give --database-url"), "{role}: {error}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "no private Postgres is made");
    }
}
