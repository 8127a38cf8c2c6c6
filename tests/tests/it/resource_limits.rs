//! Expensive requests: bodies, connections, and their effect on other callers.

use std::process::Stdio;
use std::time::{Duration, Instant};

use e2e::{Api, Deployment, Server, binary};
use reqwest::Method;
use serde_json::json;
use test_kit::wait_for;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::analysis::ANALYZE;

const LISTS: &str = "/audio/to-video-origin";

async fn post(api: &Api, path: &str, body: impl Into<reqwest::Body>) -> e2e::Reply {
    let request = api.request(Method::POST, path).header("content-type", "application/json");
    api.send(request.body(body)).await
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.base().trim_start_matches("http://")).await.unwrap()
}

/// Reads until the server closes the connection; returns the answer and the time it took.
async fn until_closed(mut connection: TcpStream) -> (String, Duration) {
    let began = Instant::now();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), connection.read_to_end(&mut answer)).await.unwrap();
    (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn json_bodies_are_unambiguous() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let projects = "/video/projects";
    for body in [
        r#"["a"]"#,
        r#"{"title": "a", "title": "b"}"#,
        r#"{"title": "a", "meta": {"x": 1, "x": 2}}"#,
        r#"{"title": "a", "meta": {"deep": {"x": 1, "\u0078": 2}}}"#,
        &format!(r#"{{"title": "a", "meta": {{"a": {}1{}}}}}"#, "[".repeat(70), "]".repeat(70)),
        &format!(r#"{{"title": "a", "meta": {{"a": [{}0]}}}}"#, "0,".repeat(60_000)),
    ] {
        post(&api, projects, body.to_owned()).await.problem(422, "invalid_body");
    }
    post(&api, LISTS, r#"{"sequence": {"tracks": [["a", null, null, []]]}}"#)
        .await
        .problem(422, "invalid_body");
    let tracks = r#"{"name":"","clips":[]},"#.repeat(20_000);
    let body = format!(r#"{{"sequence": {{"tracks": [{}]}}}}"#, tracks.trim_end_matches(','));
    let problem = post(&api, LISTS, body).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/sequence/tracks");
    // A float with an integral value is an integer.
    let body = r#"{"asset_id": "a1", "min_silence_ms": 300.0}"#;
    post(&api, ANALYZE, body).await.problem(404, "asset_not_found");
    post(&api, ANALYZE, body.replace(".0", ".5")).await.problem(422, "invalid_body");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_do_not_exhaust_memory_or_delay_others() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let api = server.api("t1", "dev");
    let large = format!(r#"{{"title": "a", "meta": {{"a": "{}"}}}}"#, "x".repeat(1_040_000));
    post(&api, "/video/projects", large.clone()).await.problem(422, "invalid_body");
    post(&api, "/video/projects", large.repeat(2)).await.problem(413, "body_too_large");

    let free = r#"{"":0},"#.repeat(2_000_000);
    let free =
        format!(r#"{{"sequence": {{"tracks": [{{"name": "", "clips": [], "meta": {{"a": [{free}0]}}}}]}}}}"#);
    let clips = r#"{"asset_id":"a","start_ms":0,"duration_ms":1},"#.repeat(300_000);
    let clips = format!(
        r#"{{"sequence": {{"tracks": [{{"name": "", "clips": [{}]}}]}}}}"#,
        &clips[..clips.len() - 1]
    );
    let calls: Vec<_> = [free.clone(), clips.clone(), free, clips]
        .into_iter()
        .map(|body| {
            let api = api.clone();
            tokio::spawn(async move { post(&api, LISTS, body).await.status })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    while !calls.iter().all(tokio::task::JoinHandle::is_finished) {
        let began = Instant::now();
        assert_eq!(api.get("/healthz").await.status, 200);
        slowest = slowest.max(began.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for call in calls {
        let status = call.await.unwrap();
        assert!([422, 503].contains(&status), "{status}");
    }
    assert!(slowest < Duration::from_secs(2), "another call took {slowest:?}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak_kb: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok())
        .unwrap();
    assert!(peak_kb < 400 << 10, "{} MB", peak_kb >> 10);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_connections_are_closed() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let asset = server.api("t1", "dev").upload_bytes("noise.bin", vec![7; 16 << 20], &[]).await.ok();
    server.stop().await;
    let server = deployment.start_with(&[("HARKBACK_IO_TIMEOUT_S", "1")]).await;
    let long = Duration::from_secs(10);
    let mut connections = Vec::new();
    for (sent, answer) in [
        ("", ""),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\n", ""),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200 OK"),
        (
            "POST /video/projects HTTP/1.1\r\nHost: localhost\r\nX-Tenant-Id: t1\r\nX-Env: dev\r\nContent-Type: \
             application/json\r\nContent-Length: 100\r\n\r\n{",
            "HTTP/1.1 408 Request Timeout",
        ),
        (
            "POST /media-v2/assets HTTP/1.1\r\nHost: localhost\r\nX-Tenant-Id: t1\r\nX-Env: dev\r\nContent-Type: \
             multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b\r\n",
            "HTTP/1.1 408 Request Timeout",
        ),
    ] {
        let mut connection = connect(&server).await;
        connection.write_all(sent.as_bytes()).await.unwrap();
        connections.push((sent, answer, tokio::spawn(until_closed(connection))));
    }
    for (sent, expected, connection) in connections {
        let (answer, took) = connection.await.unwrap();
        assert!(answer.starts_with(expected) && took < long, "{sent:?}: {took:?} {answer}");
        assert_eq!(answer.is_empty(), expected.is_empty(), "{sent:?}: {answer}");
    }

    // An answer that is not read.
    let mut connection = connect(&server).await;
    let request = format!(
        "GET /media-v2/assets/{}/content HTTP/1.1\r\nHost: localhost\r\nX-Tenant-Id: t1\r\nX-Env: dev\r\n\r\n",
        asset["id"].as_str().unwrap()
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer).await;
    assert!(answer.len() < 16 << 20, "it was cut off: {}", answer.len());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited_and_released() {
    let environment = [("HARKBACK_IO_TIMEOUT_S", "2"), ("HARKBACK_MAX_CONNECTIONS", "5")];
    let server = Deployment::new().await.start_with(&environment).await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(connect(&server).await);
    }
    let began = Instant::now();
    let client = reqwest::Client::builder().build().unwrap();
    let health = client.get(format!("{}/healthz", server.base())).send().await.unwrap();
    assert_eq!(health.status(), 200);
    assert!(began.elapsed() > Duration::from_secs(1), "it waited for a connection");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_body_limit_is_higher_with_and_without_idempotency_key() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let item = json!({"audio_artifact_id": "x".repeat(100), "padding_ms": 250});
    let body = json!({"items": vec![item; 9_000]});
    assert!(body.to_string().len() > 1 << 20);
    let request = api.request(Method::POST, "/origin-snippets/batch").header("idempotency-key", "k1");
    api.send(request.json(&body)).await.problem(404, "artifact_not_found");
    let request = api.request(Method::POST, "/video/projects").header("idempotency-key", "k1");
    api.send(request.json(&body)).await.problem(413, "body_too_large");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_http_layer_are_problems() {
    let server = Deployment::new().await.start().await;
    let long = "x".repeat(300_000);
    let many = (0..150).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    for (sent, status) in [
        ("no request\r\n\r\n".to_owned(), 400),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n".to_owned(), 400),
        (format!("GET /healthz?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", &long[..65_535]), 414),
        (format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n"), 431),
        (format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"), 431),
    ] {
        let mut connection = connect(&server).await;
        connection.write_all(sent.as_bytes()).await.unwrap();
        let (answer, _) = until_closed(connection).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], status);
        let request_id = problem["request_id"].as_str().unwrap();
        assert!(head.contains("application/problem+json") && head.contains(request_id), "{answer}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_upload_receives_its_answer() {
    let server = Deployment::new().await.start_with(&[("HARKBACK_MAX_UPLOAD_BYTES", "1000")]).await;
    for _ in 0..20 {
        // A client that sends its whole body before it reads.
        let mut connection = connect(&server).await;
        let body =
            format!("--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{}", "x".repeat(900_000));
        let head = format!(
            "POST /media-v2/assets HTTP/1.1\r\nHost: localhost\r\nX-Tenant-Id: t1\r\nX-Env: dev\r\nContent-Type: \
             multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
            body.len() + 9
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(body.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        connection.write_all(b"\r\n--b--\r\n").await.unwrap();
        let (answer, took) = until_closed(connection).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("upload_too_large"), "{answer}");
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn soft_limit_of_open_files_is_raised_to_the_hard_one() {
    let deployment = Deployment::new().await;
    let process = tokio::process::Command::new("/bin/sh")
        .args(["-c", "ulimit -Sn 256 && exec \"$0\" \"$@\""])
        .arg(binary::path())
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(deployment.data_directory())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("DATABASE_URL", deployment.database().url())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let file = format!("/proc/{}/limits", process.id().unwrap());
    wait_for(Duration::from_secs(60), async || {
        let limits = std::fs::read_to_string(&file).unwrap();
        let of_files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        let values: Vec<&str> = of_files.split_whitespace().collect();
        if values[0] == values[1] { Ok(()) } else { Err(of_files.to_owned()) }
    })
    .await;
}
