//! From audio artifacts to shots of their source video, over HTTP.

use e2e::{Api, Deployment, media};
use serde_json::{Value, json};

use crate::analysis::ANALYZE;

const ROUTE: &str = "/audio/to-video-origin";

/// Registers an audio artifact of the recording, made of `upstreams`.
async fn register_audio(api: &Api, film: &Value, more: Value) -> Value {
    let mut body = json!({"kind": "audio_hit", "uri": film["source_uri"]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = format!("/media-v2/assets/{}/artifacts", film["id"].as_str().unwrap());
    api.post(&path, &body).await.ok()["id"].clone()
}

fn path(id: &Value) -> String {
    format!("{ROUTE}/origin-maps/{}", id.as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_of_samples_becomes_shots_of_their_video() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let id = &film["id"];

    let hit = register_audio(&api, &film, json!({"start_ms": 12_000, "end_ms": 12_500})).await;
    let map = json!({"parent_asset_id": id, "source_start_ms": 12_000, "source_end_ms": 12_500});
    let _map = api.put(&path(&hit), &map).await.ok();
    let beyond = json!({"parent_asset_id": id, "source_start_ms": 0, "source_end_ms": 50_000});
    api.put(&path(&hit), &beyond).await.problem(422, "invalid_body");
    let upstreams = json!({"kind": "audio_sample_norm", "upstream_artifact_ids": [hit]});
    let norm = register_audio(&api, &film, upstreams).await;
    assert_eq!(api.get(&path(&norm)).await.ok()["chain"], json!([norm, hit]));

    let samples = json!({"template_id": "boom_bap_90", "sample_map": {"kick": hit, "snare": norm}});
    let pattern = api.post("/audio/patterns", &samples).await.ok();
    let request =
        json!({"pattern_id": pattern["pattern_id"], "alignment": "beat", "require_semantics": true});
    let problem = api.post(ROUTE, &request).await.problem(422, "semantics_missing");
    assert_eq!(problem["ids"], json!([id]));
    let _timeline = api.post(ANALYZE, &json!({"asset_id": id})).await.ok();
    let first = api.post(ROUTE, &request).await;
    let list = first.ok();
    let shots = list["shots"].as_array().unwrap();
    assert_eq!(shots.len(), pattern["clips"].as_array().unwrap().len());
    for shot in shots {
        assert_eq!(shot["meta"]["semantic_backend_type"], "signal");
        let offset = shot["meta"]["semantic_offset_ms"].as_f64().unwrap();
        assert!(offset.abs() <= 120.0, "{shot}");
        assert_eq!(shot["source_start_ms"].as_f64().unwrap(), 12_000.0 + offset);
    }
    let kept = api.get(&format!("{ROUTE}/{}", list["shot_list_artifact_id"].as_str().unwrap())).await;
    assert_eq!(kept.body, first.body);

    // Two servers on one database, concurrently: one artifact.
    let other = deployment.start().await;
    let other = other.api("t1", "dev");
    let mut again = request.clone();
    again["seed"] = json!(5);
    let (one, two) = tokio::join!(api.post(ROUTE, &again), other.post(ROUTE, &again));
    assert_eq!((one.status, &one.body), (200, &two.body));

    let key =
        |api: &Api| api.request(reqwest::Method::POST, ROUTE).header("idempotency-key", "k1").json(&request);
    assert_eq!(api.send(key(&api)).await.body, first.body);
    assert_eq!(api.send(key(&api)).await.header("idempotency-replayed"), Some("true"));

    let foreign = server.api("t2", "dev");
    foreign.post(ROUTE, &request).await.problem(404, "pattern_not_found");
    foreign.get(&path(&hit)).await.problem(404, "origin_map_not_found");
    server.stop().await;
}
