use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use test_kit::Reply;

use crate::support::TestState;

async fn call_as(
    state: &TestState,
    (tenant, env): (&str, &str),
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Reply {
    let api = state.api.tenant(tenant).header("x-env", env).header("x-request-id", "r1");
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    api.send_json(method, path, body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).await
}

/// Another tenant, or another environment of the same tenant, gets the same response as for an unknown id.
#[tokio::test]
async fn anothers_ids_answer_as_unknown_ones() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let artifact = state.artifact(&asset, json!({})).await;
    let hit = json!({"kind": "audio_hit", "uri": "mem:x"});
    let routes = |asset: &str, artifact: &str| {
        [
            ("GET", format!("/media-v2/assets/{asset}"), None),
            ("GET", format!("/media-v2/assets/{asset}/content"), None),
            ("GET", format!("/media-v2/assets/{asset}/waveform"), None),
            ("GET", format!("/media-v2/assets/{asset}/artifacts"), None),
            ("POST", format!("/media-v2/assets/{asset}/artifacts"), Some(&hit)),
            ("GET", format!("/media-v2/artifacts/{artifact}"), None),
            ("GET", format!("/media-v2/artifacts/{artifact}/content"), None),
            ("GET", format!("/media-v2/artifacts/{artifact}/waveform"), None),
        ]
    };
    for owner in [("t2", "dev"), ("t1", "prod")] {
        let (theirs, unknown) = (routes(&asset, &artifact), routes("asset_none", "artifact_none"));
        for ((method, path, body), (_, unknown, _)) in theirs.into_iter().zip(unknown) {
            let foreign = call_as(&state, owner, method, &path, body).await;
            let unknown = call_as(&state, owner, method, &unknown, body).await;
            assert_eq!(foreign.status, 404, "{method} {path}");
            let text = foreign.text();
            let same = text.replace(&asset, "asset_none").replace(&artifact, "artifact_none");
            assert_eq!(same.as_bytes(), unknown.body.as_slice(), "{method} {path}");
        }
        let list = call_as(&state, owner, "GET", "/media-v2/assets", None).await.ok();
        assert_eq!(list, json!({"items": [], "next_cursor": null}));
    }
}

#[tokio::test]
async fn requests_cannot_refer_to_rows_or_bytes_of_other_owners() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let artifact = state.artifact(&asset, json!({})).await;
    let blob = state.api.get(&format!("/media-v2/assets/{asset}")).await.ok()["asset"]["source_uri"].clone();
    let file = state.source("a.wav", b"x");
    let theirs =
        call_as(&state, ("t2", "dev"), "POST", "/media-v2/assets", Some(&json!({"source_uri": file}))).await;
    let path = format!("/media-v2/assets/{}/artifacts", theirs.created()["id"].as_str().unwrap());

    let upstream = json!({"kind": "audio_hit", "uri": "mem:x", "upstream_artifact_ids": [artifact]});
    let reply = call_as(&state, ("t2", "dev"), "POST", &path, Some(&upstream)).await;
    assert_eq!(reply.problem(404, "artifact_not_found")["ids"], json!([artifact]));
    let bytes = json!({"kind": "audio_hit", "uri": blob});
    call_as(&state, ("t2", "dev"), "POST", &path, Some(&bytes)).await.problem(422, "source_not_allowed");
    let bytes = json!({"source_uri": blob});
    let reply = call_as(&state, ("t2", "dev"), "POST", "/media-v2/assets", Some(&bytes)).await;
    reply.problem(422, "source_not_allowed");
}

#[tokio::test]
async fn every_route_needs_a_context() {
    let state = TestState::new().await;
    for path in [
        "/assets",
        "/assets/a",
        "/assets/a/content",
        "/assets/a/artifacts",
        "/assets/a/waveform",
        "/artifacts/a",
        "/artifacts/a/content",
        "/artifacts/a/waveform",
    ] {
        let request = Request::builder().uri(format!("/media-v2{path}")).body(Body::empty()).unwrap();
        state.api.send(request).await.problem(400, "invalid_context");
        call_as(&state, ("t_unknown", "dev"), "GET", &format!("/media-v2{path}"), None)
            .await
            .problem(400, "invalid_context");
        let deleted = call_as(&state, ("t1", "dev"), "DELETE", &format!("/media-v2{path}"), None).await;
        deleted.problem(405, "method_not_allowed");
    }
    for (path, body) in [
        ("/media-v2/assets", json!({"source_uri": "file:///a", "env": "prod"})),
        ("/media-v2/assets/a/artifacts", json!({"kind": "render", "uri": "mem:x", "tenant_id": "t2"})),
    ] {
        call_as(&state, ("t1", "dev"), "POST", path, Some(&body)).await.problem(403, "context_mismatch");
    }
}
