//! Isolation of tenants: on every route of the OpenAPI document.

use e2e::{Deployment, media};
use reqwest::Method;
use serde_json::{Value, json};

use crate::analysis::{ANALYZE, clip, track};

/// Routes without data of an owner, and one whose errors have the format of another API.
const OPEN: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/v1/audio/transcriptions"];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_wants_a_context() {
    let server = Deployment::new().await.start().await;
    let client = reqwest::Client::builder().build().unwrap();
    let document: Value =
        client.get(format!("{}/openapi.json", server.base())).send().await.unwrap().json().await.unwrap();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            if OPEN.contains(&path.as_str()) {
                continue;
            }
            let path = path.replace(['{', '}'], "");
            let method: Method = method.to_uppercase().parse().unwrap();
            let reply = client
                .request(method.clone(), format!("{}{path}", server.base()))
                .header("x-request-id", "req-1")
                .send()
                .await
                .unwrap();
            let (status, echoed) = (reply.status().as_u16(), reply.headers()["x-request-id"].clone());
            assert_eq!(echoed, "req-1");
            assert_eq!(reply.headers()["content-type"], "application/problem+json", "{method} {path}");
            let problem: Value = reply.json().await.unwrap();
            // Without headers a read is refused for the missing context; a write for its missing body.
            let expected: &[(u16, &str)] = match method {
                Method::GET | Method::DELETE | Method::HEAD => &[(400, "invalid_context")],
                _ => &[(400, "invalid_context"), (415, "unsupported_media_type")],
            };
            let answered = (status, problem["code"].as_str().unwrap());
            assert!(expected.contains(&answered), "{method} {path}: {problem}");
            asked += 1;
        }
    }
    assert!(asked > 20, "only {asked} operations");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn context_of_body_and_headers_must_agree() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev").user("u1");
    for other in [json!({"tenant_id": "t2"}), json!({"env": "prod"}), json!({"user_id": "u2"})] {
        let mut request = json!({"asset_id": "a1"});
        request.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        api.post(ANALYZE, &request).await.problem(403, "context_mismatch");
    }
    server.api("t_unknown", "dev").get("/media-v2/assets").await.problem(400, "invalid_context");
    server.api("", "dev").get("/media-v2/assets").await.problem(400, "invalid_context");
    server.api("t1", "").get("/media-v2/assets").await.problem(400, "invalid_context");
    server.api("a|b", "dev").get("/media-v2/assets").await.problem(400, "invalid_context");
    for header in ["x-tenant-id", "x-env", "x-user-id", "x-request-id"] {
        let request = server.api("t1", "dev").user("u1").request(Method::GET, "/media-v2/assets");
        let request = request.header("x-request-id", "r1").header(header, "other");
        let problem = api.send(request).await.problem(400, "invalid_context");
        assert!(problem["detail"].as_str().unwrap().contains("is repeated"), "{header}: {problem}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn things_of_another_owner_are_not_found() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let clip_id = clip(&api, &asset, 0.0, 1_000.0, 1.0).await;
    let asset_id = asset["id"].as_str().unwrap();
    let artifact_id = made["audio_semantic_artifact_id"].as_str().unwrap();

    let reads = [
        (format!("/media-v2/assets/{asset_id}"), "asset_not_found"),
        (format!("/media-v2/assets/{asset_id}/content"), "asset_not_found"),
        (format!("/media-v2/artifacts/{artifact_id}"), "artifact_not_found"),
        (format!("/media-v2/artifacts/{artifact_id}/content"), "artifact_not_found"),
        (format!("/media-v2/artifacts/{artifact_id}/lineage"), "artifact_not_found"),
        (format!("/media-v2/assets/{asset_id}/usages"), "asset_not_found"),
        (format!("/audio/semantic-timeline/{artifact_id}"), "semantics_not_found"),
        (format!("/audio/semantic-timeline/by-clip/{clip_id}"), "clip_not_found"),
        (format!("/video/clips/{clip_id}"), "clip_not_found"),
    ];
    for stranger in [server.api("t2", "dev"), server.api("t1", "prod")] {
        for (path, code) in &reads {
            assert_eq!(api.get(path).await.status, 200, "{path}");
            let theirs = stranger.get(path).await.problem(404, code);
            let id = path.split('/').find(|part| part.contains('_')).unwrap();
            let missing = stranger.get(&path.replace(id, "unknown_id")).await.problem(404, code);
            let alike = |problem: &Value| problem["detail"].as_str().unwrap().replace(id, "unknown_id");
            assert_eq!(alike(&theirs), alike(&missing), "{path}");
        }
        stranger.post(ANALYZE, &json!({"asset_id": asset_id})).await.problem(404, "asset_not_found");
        let track = track(&stranger).await;
        let theirs = json!({"asset_id": asset_id, "in_ms": 0, "out_ms": 1, "start_ms_on_timeline": 0});
        stranger.post(&format!("/video/tracks/{track}/clips"), &theirs).await.problem(404, "asset_not_found");
        assert_eq!(stranger.get("/media-v2/assets").await.ok()["items"], json!([]));
    }
    server.stop().await;
}
