//! Assets of web servers and buckets, which jobs fetch.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use e2e::{Api, Deployment, Server, media};
use fake_s3::FakeS3;
use reqwest::Method;
use serde_json::{Value, json};
use test_kit::{Reply, WebServer, files::count_files, wait_for};

use crate::jobs::{accepted, ended, id, later};

const ASSETS: &str = "/media-v2/assets";

/// A service that may fetch files of 127.0.0.1 at the port of `files`.
async fn start(files: &WebServer) -> Server {
    let port = files.port().to_string();
    let settings = [
        ("HARKBACK_SOURCE_HOSTS", "127.0.0.1,*.example.org"),
        ("HARKBACK_SOURCE_PORTS", port.as_str()),
        ("HARKBACK_SOURCE_NETWORKS", "127.0.0.1/32"),
    ];
    Deployment::new().await.start_with(&settings).await
}

fn talk() -> Vec<u8> {
    std::fs::read(media::fixture("click_120bpm.wav")).unwrap()
}

/// Registers a source as a job, under an `Idempotency-Key`.
async fn register_later(api: &Api, body: &Value, key: &str) -> Reply {
    let request = api.request(Method::POST, ASSETS).header("prefer", "respond-async");
    api.send(request.header("idempotency-key", key).json(body)).await
}

/// Waits until half of the bytes have arrived.
async fn half_fetched(api: &Api, job: &Value) {
    wait_for(Duration::from_secs(60), async || {
        let job = api.get(&format!("/jobs/{}", id(job))).await.ok();
        let progress = job["progress"].as_f64().unwrap();
        let is_half = job["stage"] == "fetching" && (0.4..0.5).contains(&progress);
        if is_half { Ok(()) } else { Err(job.to_string()) }
    })
    .await;
}

async fn content(api: &Api, asset: &Value) -> Vec<u8> {
    api.get(&format!("{ASSETS}/{}/content", id(asset))).await.body
}

#[tokio::test(flavor = "multi_thread")]
async fn job_fetches_a_file_once_and_reports_its_progress() {
    let (release, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let files = WebServer::start(move |exchange| {
        let bytes = talk();
        let first = exchange.begin_file(bytes.len(), "\"a\"");
        exchange.send(&bytes[first..bytes.len() / 2]);
        // An error means that the test has ended.
        let _ = gate.lock().unwrap().recv();
        exchange.send(&bytes[bytes.len() / 2..]);
    });
    let server = start(&files).await;
    let api = server.api("t1", "dev");
    let body = json!({"source_uri": files.url("/talk.wav?X-Signature=secret"), "tags": ["fetched"]});
    let job = accepted(&register_later(&api, &body, "k1").await);
    assert_eq!(job["kind"], "fetch_source");
    half_fetched(&api, &job).await;
    let again = register_later(&api, &body, "k1").await;
    assert_eq!(
        (again.status, id(&again.json())),
        (202, id(&job)),
        "the same call under its key is the same job"
    );
    release.send(()).unwrap();

    let done = ended(&api, &job).await;
    assert_eq!((&done["state"], &done["result"]["status"]), (&json!("succeeded"), &json!(201)), "{done}");
    let result = api.get(done["result"]["href"].as_str().unwrap()).await;
    let asset = result.created();
    assert_eq!(result.header("location"), Some(format!("{ASSETS}/{}", id(&asset)).as_str()));
    assert_eq!(asset["meta"]["fetched_from"], files.url("/talk.wav"));
    assert!(asset["source_uri"].as_str().unwrap().starts_with("blob://sha256/"), "{asset}");
    assert!(content(&api, &asset).await == talk());
    let again = register_later(&api, &body, "k1").await;
    assert_eq!((id(&again.json()), files.requests().len()), (id(&job), 1));
    let log = server.stop().await;
    assert!(!log.contains("secret"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn call_without_prefer_waits_until_the_file_is_fetched() {
    let files = WebServer::start(|exchange| match exchange.target() {
        "/talk.wav" => exchange.send_file(&talk(), "\"a\""),
        "/metadata" => {
            exchange.begin("302 -", "location: http://169.254.169.254/latest/\r\ncontent-length: 0\r\n")
        }
        _ => exchange.begin("404 -", "content-length: 0\r\n"),
    });
    let server = start(&files).await;
    let api = server.api("t1", "dev");
    let register = async |uri: &str| api.post(ASSETS, &json!({"source_uri": uri})).await;
    let made = register(&files.url("/talk.wav")).await;
    let asset = made.created();
    assert_eq!(made.header("location"), Some(format!("{ASSETS}/{}", id(&asset)).as_str()));
    assert!(content(&api, &asset).await == talk());
    register(&files.url("/metadata")).await.problem(422, "source_redirect_refused");
    register(&files.url("/none.wav")).await.problem(422, "source_unreadable");
    let requests = files.requests().len();
    for uri in ["https://other.example.com/talk.wav", "http://127.0.0.1:1/talk.wav", "s3://media/talk.wav"] {
        let refused = later(&api, ASSETS, &json!({"source_uri": uri}), 0).await;
        refused.problem(422, "source_not_allowed");
    }
    assert_eq!(files.requests().len(), requests);
    // Uploads are answered by the process that receives them.
    let _uploaded = api.upload_bytes("talk.wav", talk(), &[]).await.created();
    let jobs = api.get("/jobs?kind=fetch_source").await.ok();
    assert_eq!(jobs["items"].as_array().unwrap().len(), 3, "{jobs}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_job_stops_its_transfer_and_leaves_nothing() {
    let files = WebServer::start(|exchange| {
        let _ = exchange.begin_file(1_000_000, "\"a\"");
        exchange.send([0_u8; 500_000]);
        exchange.stall();
    });
    let server = start(&files).await;
    let api = server.api("t1", "dev");
    let job = accepted(&later(&api, ASSETS, &json!({"source_uri": files.url("/talk.wav")}), 0).await);
    half_fetched(&api, &job).await;
    api.delete(&format!("/jobs/{}", id(&job))).await.ok();
    assert_eq!(ended(&api, &job).await["state"], "cancelled");
    let staging = server.deployment().data_directory().join("blobs/staging");
    wait_for(Duration::from_secs(60), async || match count_files(&staging) {
        0 => Ok(()),
        files => Err(format!("{files} files are left")),
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_fetched_with_credentials_of_sources() {
    let store = FakeS3::start().unwrap();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    let object = format!("{}/media/of/t1/talk.wav", store.endpoint());
    let stored = client.put(object).body(talk()).send().await.unwrap();
    assert!(stored.status().is_success());
    let mut settings = vec![("HARKBACK_SOURCE_BUCKETS".to_owned(), "s3://media/of/{tenant}".to_owned())];
    let options = store.options().into_iter();
    settings.extend(options.map(|(name, value)| (format!("HARKBACK_SOURCE_{}", name.to_uppercase()), value)));
    let settings: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let server = Deployment::new().await.start_with(&settings).await;
    let body = json!({"source_uri": "s3://media/of/t1/talk.wav"});
    let api = server.api("t1", "dev");
    let asset = api.post(ASSETS, &body).await.created();
    assert_eq!(asset["meta"]["fetched_from"], body["source_uri"]);
    assert!(content(&api, &asset).await == talk());
    server.api("t2", "dev").post(ASSETS, &body).await.problem(422, "source_not_allowed");
    server.stop().await;
}
