//! Windows rendered to files, over HTTP.

use e2e::{Deployment, media};
use serde_json::json;

const RENDER: &str = "/video/render";

#[tokio::test(flavor = "multi_thread")]
async fn rendered_window_is_a_playable_asset() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let ready = api.get("/readyz").await.ok();
    assert!(ready["renderer"].as_str().unwrap().starts_with("video_render_v5+ffmpeg-"), "{ready}");

    let asset = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let mut request = json!({
        "asset_id": asset["id"], "start_ms": 9_990, "end_ms": 10_990.5, "render_profile": "draft_480p_fast",
        "dry_run": true
    });
    let dry = api.post(RENDER, &request).await.ok();
    assert!(dry["asset_id"].is_null() && dry["artifact_id"].is_null() && dry["uri"].is_null(), "{dry}");
    request["dry_run"] = json!(false);
    let made = api.post(RENDER, &request).await.ok();
    assert_eq!(made["plan"], dry["plan"]);
    assert_eq!(made["plan"]["sources"][0]["first_frame_ms"], 9_960);
    assert_eq!(api.post(RENDER, &request).await.ok(), made, "kept");

    let id = made["asset_id"].as_str().unwrap();
    let render = api.get(&format!("/media-v2/assets/{id}")).await.ok()["asset"].clone();
    assert_eq!((&render["kind"], &render["fps"]), (&json!("video"), &json!(25.0)));
    assert!((render["duration_ms"].as_f64().unwrap() - 1_000.5).abs() < 40.0, "{render}");
    let content = api.get(&format!("/media-v2/assets/{id}/content")).await;
    assert_eq!(content.header("content-type"), Some("video/mp4"));
    assert_eq!(content.body.len() as u64, render["size_bytes"].as_u64().unwrap());
    let artifact = made["artifact_id"].as_str().unwrap();
    let artifact = api.get(&format!("/media-v2/artifacts/{artifact}")).await.ok();
    assert_eq!(artifact["parent_asset_id"], asset["id"]);
    assert_eq!((&artifact["start_ms"], &artifact["end_ms"]), (&json!(9_990), &json!(10_990.5)));

    // Other tenants do not have it.
    let other = server.api("t2", "dev");
    other.post(RENDER, &request).await.problem(404, "asset_not_found");
    other.get(&format!("/media-v2/assets/{id}")).await.problem(404, "asset_not_found");
    request["render_profile"] = json!("8k");
    let problem = api.post(RENDER, &request).await.problem(422, "unknown_render_profile");
    assert!(problem["detail"].as_str().unwrap().contains("social_4_3_h264"), "{problem}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_works_without_ffmpeg_except_for_renders() {
    let missing = [("HARKBACK_FFMPEG", "/nowhere/ffmpeg")];
    let server = Deployment::new().await.start_with(&missing).await;
    let api = server.api("t1", "dev");
    let ready = api.get("/readyz").await.ok();
    assert_eq!((&ready["status"], &ready["renderer"]), (&json!("degraded"), &json!(null)));
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let request = json!({
        "asset_id": asset["id"], "start_ms": 0, "end_ms": 500, "render_profile": "draft_480p_fast"
    });
    let refused = api.post(RENDER, &request).await;
    refused.problem(503, "renderer_unavailable");
    assert!(refused.header("retry-after").is_some());
    server.stop().await;
}
