//! Jobs: heavy calls that are answered later.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use e2e::{Api, Deployment, Reply, binary, media};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_kit::wait_for;

use crate::analysis::ANALYZE;
use crate::calling::{ADDRESS, has_python, run, walk};
use crate::documents::blocks;
use crate::formats::ffmpeg::ffmpeg;

/// Sends `POST path` with `Prefer: respond-async`.
pub(crate) async fn later(api: &Api, path: &str, body: &Value, wait: u32) -> Reply {
    let prefer = format!("respond-async, wait={wait}");
    api.send(api.request(Method::POST, path).header("prefer", prefer).json(body)).await
}

/// The job in an answer of 202.
#[track_caller]
pub(crate) fn accepted(reply: &Reply) -> Value {
    assert_eq!(reply.status, 202, "{}", reply.text());
    let job = reply.json();
    assert_eq!(reply.header("location"), Some(format!("/jobs/{}", id(&job)).as_str()));
    assert_eq!(reply.header("preference-applied"), Some("respond-async"));
    assert!(reply.header("retry-after").is_some());
    job
}

pub(crate) fn id(job: &Value) -> &str {
    job["id"].as_str().unwrap()
}

pub(crate) async fn ended(api: &Api, job: &Value) -> Value {
    api.get(&format!("/jobs/{}?wait=60", id(job))).await.ok()
}

/// A recording whose analysis takes many seconds.
pub(crate) struct Long(TempDir);

impl Long {
    pub(crate) fn new(hours: u32) -> Self {
        let directory = Self(tempfile::tempdir().unwrap());
        let source = format!("sine=frequency=440:duration={}:sample_rate=8000", hours * 3_600);
        let file = directory.path();
        ffmpeg(&["-f", "lavfi", "-i", &source, "-c:a", "flac", text(&file)]).unwrap();
        directory
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("long.flac")
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_call_becomes_a_job_with_the_usual_answer() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev").user("u1");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let request = json!({"asset_id": asset["id"]});
    let job = accepted(&later(&api, ANALYZE, &request, 0).await);
    assert_eq!(
        (&job["kind"], &job["user_id"], &job["priority"]),
        (&json!("analyze"), &json!("u1"), &json!("interactive"))
    );
    let done = ended(&api, &job).await;
    assert_eq!(
        (&done["state"], &done["progress"], &done["attempts"]),
        (&json!("succeeded"), &json!(1.0), &json!(1)),
        "{done}"
    );
    let href = done["result"]["href"].as_str().unwrap();
    let answer = api.get(href).await.ok();
    assert_eq!((&answer, &done["result"]["status"]), (&done["result"]["body"], &json!(200)));
    // An existing result is returned at once, and so is one that is ready within the wait.
    let found = later(&api, ANALYZE, &request, 0).await.ok();
    assert_eq!(found["audio_semantic_artifact_id"], answer["audio_semantic_artifact_id"]);
    assert_eq!(found["meta"]["cache_hit"], true);
    let samples = later(&api, "/audio/hits/detect", &request, 60).await;
    assert_eq!((samples.status, &samples.json()["asset_id"]), (200, &asset["id"]), "{}", samples.text());

    let listed = api.get("/jobs?kind=analyze&state=succeeded").await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    let unknown = api.get("/jobs?kind=bogus").await.problem(422, "invalid_query");
    assert_eq!(unknown["errors"][0]["pointer"], "kind");
    assert!(unknown["detail"].as_str().unwrap().contains("analyze, "), "{unknown}");
    let other = server.api("t2", "dev");
    other.get(&format!("/jobs/{}", id(&job))).await.problem(404, "job_not_found");
    other.get(href).await.problem(404, "job_not_found");
    assert_eq!(other.get("/jobs").await.ok()["items"], json!([]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_requests_are_refused_before_queueing_and_decoding_errors_fail_the_job() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    later(&api, ANALYZE, &json!({"asset_id": "none"}), 0).await.problem(404, "asset_not_found");
    later(&api, ANALYZE, &json!({"asset_id": 3}), 0).await.problem(422, "invalid_body");
    assert_eq!(api.get("/jobs").await.ok()["items"], json!([]));
    // An MP3 frame header, followed by bytes that are not MP3.
    let broken = [&[0xff, 0xfb, 0x90, 0x00][..], &[0x55; 4_000]].concat();
    let asset = api.upload_bytes("broken.mp3", broken, &[("kind", "audio")]).await.json();
    let job = accepted(&later(&api, ANALYZE, &json!({"asset_id": asset["id"]}), 0).await);
    let failed = ended(&api, &job).await;
    assert_eq!(
        (&failed["state"], &failed["problem"]["code"]),
        (&json!("failed"), &json!("undecodable_media")),
        "{failed}"
    );
    api.get(&format!("/jobs/{}/result", id(&job))).await.problem(409, "job_without_result");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_belongs_to_the_trace_of_its_call() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let request =
        api.request(Method::POST, ANALYZE).header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
    let _ = api.send(request.json(&json!({"asset_id": asset["id"]}))).await.ok();
    let log = server.stop().await;
    let lines_of = |span: &str| log.lines().any(|line| line.contains(span) && line.contains(trace));
    assert!(lines_of("request{") && lines_of("job{"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_key_makes_one_job() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let call = async || {
        let request = api.request(Method::POST, ANALYZE).header("prefer", "respond-async");
        let request = request.header("idempotency-key", "k1").json(&json!({"asset_id": asset["id"]}));
        api.send(request).await
    };
    let first = accepted(&call().await);
    let again = call().await;
    assert_eq!(
        (again.json()["id"].as_str(), again.header("idempotency-replayed")),
        (first["id"].as_str(), Some("true"))
    );
    assert_eq!(api.get("/jobs").await.ok()["items"].as_array().unwrap().len(), 1);
    server.stop().await;
}

async fn analyze_under_key(api: Api, body: Value) -> Reply {
    let request = api.request(Method::POST, ANALYZE).header("idempotency-key", "k1").json(&body);
    api.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn call_in_progress_is_refused_with_the_location_of_its_job() {
    let deployment = Deployment::new().await;
    // No worker takes the job.
    let server = deployment.start_with(&[("HARKBACK_ROLE", "api")]).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let body = json!({"asset_id": asset["id"]});
    let first = tokio::spawn(analyze_under_key(api.clone(), body.clone()));
    let is_queued = |page: &Value| page["items"].as_array().is_some_and(|items| items.len() == 1);
    let job = wait_until(&api, "/jobs", is_queued).await["items"][0].clone();
    let again = analyze_under_key(api.clone(), body).await;
    again.problem(409, "idempotency_in_progress");
    let path = format!("/jobs/{}", id(&job));
    assert_eq!(again.header("location"), Some(path.as_str()));
    assert!(again.header("retry-after").is_some());
    assert_eq!(api.delete(&path).await.ok()["state"], "cancelled");
    first.await.unwrap().problem(409, "job_cancelled");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_cancelled_and_retried() {
    let server = Deployment::new().await.start_with(&[("HARKBACK_ANALYSIS_WORKERS", "1")]).await;
    let api = server.api("t1", "dev");
    let long = api.upload(&Long::new(6).path()).await;
    let short = api.upload(&media::fixture("digits.wav")).await;
    let running = accepted(&later(&api, ANALYZE, &json!({"asset_id": long["id"]}), 0).await);
    let queued = accepted(&later(&api, ANALYZE, &json!({"asset_id": short["id"]}), 0).await);
    let path = format!("/jobs/{}", id(&queued));
    assert_eq!(api.delete(&path).await.ok()["state"], "cancelled");
    api.delete(&path).await.problem(409, "job_finished");

    let run = format!("/jobs/{}", id(&running));
    wait_until(&api, &run, |job| job["state"] == "running" && job["progress"].as_f64() > Some(0.0)).await;
    let asked = Instant::now();
    let _ = api.delete(&run).await.ok();
    let cancelled = ended(&api, &running).await;
    assert_eq!(cancelled["state"], "cancelled", "{cancelled}");
    println!("a running job was cancelled after {:?}", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_secs(4), "within 2 s, of a machine that is not busy");
    assert!(cancelled["progress"].as_f64() < Some(1.0));

    let retried = api.post(&format!("{path}/retry"), &json!({})).await;
    assert_eq!((retried.status, &retried.json()["state"]), (202, &json!("queued")));
    let done = ended(&api, &queued).await;
    assert_eq!(done["state"], "succeeded", "{done}");
    api.post(&format!("{path}/retry"), &json!({})).await.problem(409, "job_not_failed");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_events_are_streamed_and_resume() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let job = accepted(&later(&api, ANALYZE, &json!({"asset_id": asset["id"]}), 0).await);
    let path = format!("/jobs/{}/events", id(&job));
    let all = api.get(&path).await;
    assert_eq!(all.header("content-type"), Some("text/event-stream"));
    let events = parsed(&all.text());
    let states: Vec<&str> =
        events.iter().filter(|e| e.1 == "state").map(|e| e.2["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["queued", "running", "succeeded"]);
    assert!(events.is_sorted_by_key(|event| event.0));
    assert!(events.iter().all(|event| event.2["job_id"] == job["id"]));
    let resumed =
        api.send(api.request(Method::GET, &path).header("last-event-id", events[0].0.to_string())).await;
    assert_eq!(parsed(&resumed.text()), events[1..]);
    server.api("t2", "dev").get(&path).await.problem(404, "job_not_found");
    let last = events.last().unwrap().0.to_string();
    let nothing = api.send(api.request(Method::GET, &path).header("last-event-id", last)).await;
    assert_eq!((nothing.status, nothing.text()), (204, String::new()));
    server.stop().await;
}

/// Sequence number, name and data of each event.
pub(crate) fn parsed(stream: &str) -> Vec<(i64, String, Value)> {
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name).map(|value| value.trim().to_owned()))
    };
    let event = |text: &str| {
        Some((
            field(text, "id:")?.parse().ok()?,
            field(text, "event:")?,
            serde_json::from_str(&field(text, "data:")?).ok()?,
        ))
    };
    stream.split("\n\n").filter_map(event).collect()
}

pub(crate) async fn wait_until(api: &Api, path: &str, is_reached: impl Fn(&Value) -> bool) -> Value {
    wait_for(Duration::from_secs(180), async || {
        let job = api.get(path).await.ok();
        if is_reached(&job) { Ok(job) } else { Err(job) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_commands_list_show_and_watch_jobs() {
    let server = Deployment::new().await.start_with(&[("HARKBACK_ANALYSIS_WORKERS", "1")]).await;
    let api = server.api("t1", "dev");
    let run = async |arguments: &[&str]| {
        let context = ["--url", server.base(), "--tenant", "t1", "--env", "dev"];
        let output = binary::command([&["jobs"], arguments, &context].concat()).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let long = api.upload(&Long::new(6).path()).await;
    let job = accepted(&later(&api, ANALYZE, &json!({"asset_id": asset["id"]}), 0).await);
    let (code, text, _) = run(&["watch", id(&job)]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("state: succeeded") && text.contains("result: /jobs/"), "{text}");
    let running = accepted(&later(&api, ANALYZE, &json!({"asset_id": long["id"]}), 0).await);
    let (_, listed, _) = run(&["list", "--kind", "analyze"]).await;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let (code, shown, _) = run(&["cancel", id(&running), "--json"]).await;
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["id"], running["id"]);
    assert_eq!(run(&["watch", id(&running)]).await.0, Some(3));
    assert_eq!(run(&["retry", id(&running)]).await.0, Some(0));
    let (code, _, error) = run(&["show", "none"]).await;
    assert_eq!((code, error.trim()), (Some(1), "error: job_not_found: there is no job none"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documented_job_walkthrough_and_webhook_receiver_work() {
    let server = Deployment::new().await.start().await;
    let folder = tempfile::tempdir().unwrap();
    let fixtures = binary::workspace_root().join("fixtures");
    std::os::unix::fs::symlink(fixtures, folder.path().join("fixtures")).unwrap();
    let document = std::fs::read_to_string(binary::workspace_root().join("docs/jobs.md")).unwrap();
    let blocks = blocks(&document.replace(ADDRESS, server.base()));
    assert_eq!(walk(&blocks, folder.path()).await, 3);
    let program = blocks.iter().find(|block| block.info == "python").unwrap();
    // The documented receiver is compared with the signer that the service uses.
    let known = r#"
now = str(int(time.time()))
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
signed = hmac.new(base64.b64decode(secret[6:]), f"msg_1.{now}.".encode() + b"{}", hashlib.sha256).digest()
signature = "v1," + base64.b64encode(signed).decode()
headers = {"webhook-id": "msg_1", "webhook-timestamp": now, "webhook-signature": signature}
print(verify(secret, headers, b"{}"), verify(secret, headers, b"{ }"))
"#;
    if has_python("sys", folder.path()).await {
        let printed = run("python3", "-c", &format!("{}{known}", program.text), folder.path()).await;
        let lines: Vec<&str> = printed.lines().collect();
        assert!(matches!(*lines, [hits, "True False"] if hits.ends_with(" hits")), "{printed}");
    }
    server.stop().await;
}
