//! Operation of the service: health, readiness, fallbacks, metrics, documents, shutdown.

use std::time::Duration;

use e2e::{Api, Deployment, media};
use serde_json::{Value, json};

use crate::analysis::ANALYZE;

#[tokio::test(flavor = "multi_thread")]
async fn readyz_reports_a_ready_server() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    assert_eq!(api.get("/healthz").await.text(), "ok");
    let ready = api.get("/readyz").await.ok();
    assert_eq!((&ready["status"], &ready["backend"]), (&json!("ready"), &json!("signal")));
    let document = api.get("/openapi.json").await.ok();
    for path in
        [ANALYZE, "/audio/semantic-timeline/by-clip/{clip_id}", "/media-v2/assets", "/video/clips/{clip_id}"]
    {
        assert!(document["paths"].get(path).is_some(), "{path}");
    }
    let page = api.get("/docs").await.text();
    assert!(page.contains("<html") && !page.contains("//"), "nothing is loaded from elsewhere: {page}");
    let files: Vec<&str> = page.split(['"', '\'']).filter(|text| text.starts_with("./")).collect();
    assert!(files.len() >= 3, "{page}");
    for file in files {
        assert_eq!(api.get(&format!("/docs/{file}")).await.status, 200, "{file}");
    }
    assert!(api.get("/docs/swagger-initializer.js").await.text().contains("/openapi.json"));

    api.get("/nowhere").await.problem(404, "route_not_found");
    api.delete("/healthz").await.problem(405, "method_not_allowed");
    let request = api.request(reqwest::Method::POST, ANALYZE);
    api.send(request.header("content-type", "application/json").body("{"))
        .await
        .problem(400, "malformed_json");
    let request = api.request(reqwest::Method::POST, ANALYZE);
    api.send(request.body("asset_id=1")).await.problem(415, "unsupported_media_type");
    let problem =
        api.post(ANALYZE, &json!({"asset_id": "a1", "beats": 1})).await.problem(422, "invalid_body");
    assert!(problem["detail"].as_str().unwrap().contains("beats"));
    let problem = api.post(ANALYZE, &json!({"asset_id": "a|1"})).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/asset_id");
    let wrong = json!({"asset_id": "a1", "language": "klingon"});
    api.post(ANALYZE, &wrong).await.problem(422, "unsupported_language");

    let log = server.stop().await;
    assert!(log.contains("stopped"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_described_and_count_durations() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let request = json!({"asset_id": asset["id"]});
    let _ = api.post(ANALYZE, &request).await.ok();
    let hits = json!({"asset_id": asset["id"], "run_loops": false, "run_phrases": false});
    let _ = api.post("/audio/field-to-samples", &hits).await.ok();
    let metrics = api.get("/metrics").await.text();
    let names_in = |comment: &str| -> Vec<&str> {
        let lines = metrics.lines().filter_map(|line| line.strip_prefix("# ")?.strip_prefix(comment));
        lines.filter_map(|line| line.split(' ').nth(1)).collect()
    };
    let names = names_in("TYPE");
    assert!(names.len() >= 5, "{metrics}");
    for name in &names {
        assert!(names_in("HELP").contains(name), "{name} is not described: {metrics}");
    }
    // Durations are counted in buckets, which can be added and compared, instead of quantiles of a moment.
    for sample in [
        format!(r#"http_requests_total{{method="POST",route="{ANALYZE}",status="200"}} 1"#),
        format!(r#"http_request_duration_seconds_bucket{{method="POST",route="{ANALYZE}",le="+Inf"}} 1"#),
        r#"semantic_timeline_requests_total{cache_hit="false"} 1"#.to_owned(),
        r#"work_duration_seconds_bucket{queue="analysis",le="3600"} "#.to_owned(),
    ] {
        assert!(metrics.contains(&sample), "{sample}: {metrics}");
    }
    assert!(!metrics.contains("quantile"), "{metrics}");

    // The number of series is bounded, regardless of callers.
    let document = api.get("/openapi.json").await.ok();
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "INVENTED"];
    for path in document["paths"].as_object().unwrap().keys() {
        for method in methods {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            for kind in ["application/json", "text/plain"] {
                let request = api.request(method.clone(), &path.replace(['{', '}'], ""));
                drop(request.header("content-type", kind).body("{").send().await.unwrap());
            }
        }
    }
    let metrics = api.get("/metrics").await.text();
    let series = metrics.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
    assert!(series < 2_000, "{series} series");
    assert!(metrics.contains(r#"route="other""#));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_id_is_answered_as_an_unknown_one() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    for (path, code) in [
        ("/media-v2/assets/{}", "asset_not_found"),
        ("/media-v2/assets/{}/usages", "asset_not_found"),
        ("/media-v2/artifacts/{}", "artifact_not_found"),
        ("/media-v2/artifacts/{}/lineage", "artifact_not_found"),
        ("/audio/semantic-timeline/{}", "semantics_not_found"),
        ("/audio/semantic-timeline/{}/plot.svg", "semantics_not_found"),
        ("/audio/semantic-timeline/{}/transcript", "semantics_not_found"),
        ("/audio/semantic-timeline/by-clip/{}", "clip_not_found"),
        ("/audio/semantic-timeline/by-clip/{}/transcript", "clip_not_found"),
        ("/audio/patterns/{}", "pattern_not_found"),
        ("/audio/to-video-origin/origin-maps/{}", "origin_map_not_found"),
        ("/audio/to-video-origin/{}", "shot_list_not_found"),
        ("/origin-snippets/for-audio/{}", "artifact_not_found"),
        ("/video/projects/{}", "project_not_found"),
        ("/video/clips/{}", "clip_not_found"),
    ] {
        for id in ["unknown_id", "no%20id", "a%7Cb"] {
            api.get(&path.replace("{}", id)).await.problem(404, code);
        }
    }
    let map = json!({"parent_asset_id": "film", "source_start_ms": 0, "source_end_ms": 1});
    for id in ["unknown_id", "a%7Cb"] {
        let path = format!("/audio/to-video-origin/origin-maps/{id}");
        api.put(&path, &map).await.problem(404, "artifact_not_found");
    }
    api.get("/audio/semantic-timeline/unknown_id/plot.svg?zoom=2").await.problem(422, "invalid_query");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversize_body_is_refused() {
    let server = Deployment::new().await.start_with(&[("HARKBACK_MAX_JSON_BYTES", "1000")]).await;
    let api = server.api("t1", "dev");
    let large = json!({"asset_id": "a1", "language": "x".repeat(2_000)});
    let asset = json!({"source_uri": "x".repeat(2_000)});
    for (path, body) in [(ANALYZE, large), ("/media-v2/assets", asset)] {
        api.post(path, &body).await.problem(413, "body_too_large");
        let request = api.request(reqwest::Method::POST, path).header("idempotency-key", "k1").json(&body);
        api.send(request).await.problem(413, "body_too_large");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_backend_is_replaced_and_reported() {
    let deployment = Deployment::new().await;
    // A name that no model has, so that it is missing on every machine.
    let missing = ("AUDIO_SEMANTIC_WHISPER_MODEL", "no-such-model");
    for backend in ["whisper_aubio", "whisper_librosa"] {
        let server = deployment.start_with(&[("AUDIO_SEMANTIC_BACKEND", backend), missing]).await;
        let api = server.api("t1", "dev").user(backend);
        let ready = api.get("/readyz").await.ok();
        assert_eq!(ready["status"], "degraded");
        assert!(ready["reasons"][0].as_str().unwrap().contains("no-such-model"), "{ready}");

        let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
        let meta = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok()["meta"].clone();
        assert_eq!(meta["backend_type"], "stub");
        assert_eq!(meta["requested_backend"], "whisper_aubio");
        assert_eq!(meta["backend_version"], "audio_semantic_stub_v1");
        assert_eq!(meta["semantic_version"], "audio_semantic_stub_v1");
        assert!(meta["fallback_reason"].as_str().unwrap().contains("no-such-model"), "{meta}");
        let whisper = &meta["backend_info"]["dependencies"]["whisper"];
        assert_eq!(whisper["available"], false);
        assert!(whisper["error"].as_str().unwrap().contains("no-such-model"), "{whisper}");

        let log = server.stop().await;
        let warnings = log.lines().filter(|line| line.contains("WARN") && line.contains("fallback")).count();
        assert!(warnings >= 2, "one at start, one for the request: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fallback_backend_is_configurable() {
    let deployment = Deployment::new().await;
    let with = |fallback: &'static str| {
        [
            ("AUDIO_SEMANTIC_BACKEND", "whisper_aubio"),
            ("AUDIO_SEMANTIC_WHISPER_MODEL", "no-such-model"),
            ("AUDIO_SEMANTIC_FALLBACK", fallback),
        ]
    };
    let server = deployment.start_with(&with("signal")).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let request = json!({"asset_id": asset["id"]});
    let meta = api.post(ANALYZE, &request).await.ok()["meta"].clone();
    assert_eq!(
        (&meta["backend_type"], &meta["requested_backend"]),
        (&json!("signal"), &json!("whisper_aubio"))
    );
    server.stop().await;

    let server = deployment.start_with(&with("error")).await;
    let api = server.api("t1", "dev");
    let reply = api.post(ANALYZE, &request).await;
    reply.problem(503, "backend_unavailable");
    assert!(reply.header("retry-after").is_some());
    assert_eq!(api.get("/readyz").await.ok()["status"], "degraded");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stub_timeline_is_the_documented_one() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let id = made["audio_semantic_artifact_id"].as_str().unwrap();
    let summary = api.get(&format!("/audio/semantic-timeline/{id}")).await.ok()["summary"].clone();
    let spans: Vec<Value> = summary["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| json!([event["kind"], event["start_ms"], event["end_ms"], event["loudness_lufs"]]))
        .collect();
    let expected =
        json!([["speech", 0, 5000, -20.0], ["silence", 5000, 5800, -19.0], ["music", 5800, 10000, -18.0]]);
    assert_eq!(json!(spans), expected);
    assert_eq!(summary["beats"].as_array().unwrap().len(), 20);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_a_running_analysis_finish() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let request = json!({"asset_id": asset["id"]});
    let caller = server.api("t1", "dev");
    let running = tokio::spawn(async move { caller.post(ANALYZE, &request).await });
    while api.get("/jobs?state=running").await.ok()["items"] == json!([]) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.stop().await;
    let _ = running.await.unwrap().ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_requests_are_refused_not_failed() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let api = server.api("t1", "dev");
    api.get("/media-v2/assets?tag=%00").await.problem(422, "invalid_query");
    // `-8000000000000000000|a`: a year beyond every calendar.
    let cursor = "LTgwMDAwMDAwMDAwMDAwMDAwMDB8YQ";
    api.get(&format!("/media-v2/assets?cursor={cursor}")).await.problem(422, "invalid_cursor");

    // Even the stub refuses to invent a timeline for a file that is not a recording, or for years of it.
    let noise = api.upload_bytes("noise.bin", vec![7; 5_000], &[]).await.ok();
    api.post(ANALYZE, &json!({"asset_id": noise["id"]})).await.problem(422, "undecodable_media");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let artifacts = format!("/media-v2/assets/{}/artifacts", asset["id"].as_str().unwrap());
    let mut years = json!({"kind": "audio_hit", "uri": asset["source_uri"], "start_ms": 0, "end_ms": 1e12});
    api.post(&artifacts, &years).await.problem(422, "invalid_body");
    years["end_ms"] = json!(1e9);
    let days = api.post(&artifacts, &years).await.ok();
    let request = json!({"asset_id": asset["id"], "artifact_id": days["id"]});
    api.post(ANALYZE, &request).await.problem(422, "undecodable_media");

    // A document that a caller registers as a timeline must be one.
    let imported = json!({
        "kind": "audio_semantic_timeline", "uri": asset["source_uri"],
        "meta": {"backend_version": "x", "model_used": "x", "cache_key": "x", "duration_ms": 1}
    });
    api.post(&artifacts, &imported).await.problem(422, "invalid_body");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_key_makes_a_write_happen_once() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let send = async |kind: &str, title: &str| {
        let request = api.request(reqwest::Method::POST, "/video/projects").header("idempotency-key", "k1");
        let body = json!({"title": title}).to_string();
        api.send(request.header("content-type", kind.to_owned()).body(body)).await
    };
    let first = send("application/json", "A film").await;
    let again = send("Application/JSON; charset=utf-8", "A film").await;
    assert_eq!(first.ok(), again.ok());
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    send("application/json", "Another").await.problem(422, "idempotency_mismatch");
    assert_eq!(api.get("/video/projects").await.ok()["items"].as_array().unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_waits_for_the_write_of_a_disconnected_caller() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let (api, base) = (server.api("t1", "dev"), server.base().to_owned());
    let request = |api: &Api| {
        let request = api.request(reqwest::Method::POST, "/video/projects").header("idempotency-key", "k1");
        request.json(&json!({"title": "A film"}))
    };
    let pool = &deployment.database().pool;
    let mut other = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE video_projects").execute(&mut *other).await.unwrap();
    let call = tokio::spawn(request(&api).send());
    let waits =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'video_projects'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut *other).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let stopping = tokio::spawn(server.stop());
    let address = base.trim_start_matches("http://");
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    other.rollback().await.unwrap();
    stopping.await.unwrap();

    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let again = api.send(request(&api)).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(api.get("/video/projects").await.ok()["items"].as_array().unwrap().len(), 1);
    server.stop().await;
}
