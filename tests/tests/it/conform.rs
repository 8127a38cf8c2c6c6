//! `POST /audio/conform`: the edit list of a finished edit, which is exported and rendered like any other shot list.

use e2e::{Api, Deployment};
use serde_json::{Value, json};

use crate::analysis::ANALYZE;
use crate::jobs::{accepted, ended, later};
use crate::made_music::{RATE, piece, wav};

const CONFORM: &str = "/audio/conform";
/// Number of the source, its first sample, number of samples.
const SHOTS: [(usize, usize, usize); 3] = [(0, 32_000, 50_123), (1, 100_000, 64_001), (0, 200_000, 40_000)];

/// The sources, and an edit of three shots of them with 3 s of other audio before the last one.
async fn film(api: &Api) -> (Vec<Value>, Value, f64) {
    let rushes: Vec<Vec<f32>> = (11..13).map(|seed| piece(seed, 20)).collect();
    let mut edit: Vec<f32> = Vec::new();
    for (index, (source, start, length)) in SHOTS.into_iter().enumerate() {
        if index == 2 {
            edit.extend(piece(90, 3));
        }
        edit.extend_from_slice(&rushes[source][start..start + length]);
    }
    let mut sources = Vec::new();
    for (number, samples) in rushes.iter().enumerate() {
        let asset = api.upload_bytes(&format!("take {number}.wav"), wav(samples), &[]).await.ok();
        sources.push(asset["id"].clone());
    }
    let asset = api.upload_bytes("film.wav", wav(&edit), &[]).await.ok();
    (sources, asset["id"].clone(), edit.len() as f64 * 1e3 / RATE as f64)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_conformed_exported_and_rendered() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let (sources, edit, duration_ms) = film(&api).await;
    let list = api.post(CONFORM, &json!({"asset_id": edit, "sources": sources})).await.ok();
    let shots = list["shots"].as_array().unwrap();
    let found: Vec<&Value> = shots.iter().map(|shot| &shot["source_asset_id"]).collect();
    assert_eq!(found, [&sources[0], &sources[1], &edit, &sources[0]], "{list:#}");
    let roles: Vec<&Value> = shots.iter().map(|shot| &shot["meta"]["role"]).collect();
    assert_eq!(roles, ["source", "source", "unknown", "source"]);
    for (shot, (_, start, _)) in [&shots[0], &shots[1], &shots[3]].into_iter().zip(SHOTS) {
        let [source, target] =
            ["source_start_ms", "target_start_ms"].map(|name| shot[name].as_f64().unwrap());
        assert!((source - start as f64 / 16.0).abs() <= 10.0, "{target}: {shot}");
    }
    let last = &shots[3];
    let end = last["target_start_ms"].as_f64().unwrap() + last["target_duration_ms"].as_f64().unwrap();
    assert!((end - duration_ms).abs() < 0.1, "{end}");

    let id = list["shot_list_artifact_id"].as_str().unwrap();
    let otio = api.get(&format!("/audio/to-video-origin/{id}/export?format=otio")).await;
    let timeline: Value = serde_json::from_str(&otio.text()).unwrap();
    let clips = timeline["tracks"]["children"][0]["children"].as_array().unwrap();
    let names: Vec<&Value> = clips.iter().map(|clip| &clip["name"]).collect();
    assert_eq!(names, ["source", "source", "unknown", "source"], "{timeline:#}");
    let project = api.post("/video/timelines", &json!({"shot_list_artifact_id": id})).await.created();
    assert_eq!(project["clip_count"], 4);

    let render = json!({"shot_list_artifact_id": id, "render_profile": "draft_480p_fast"});
    let rendered = api.post("/video/render", &render).await.ok();
    let path = format!("/media-v2/assets/{}", rendered["asset_id"].as_str().unwrap());
    let length = api.get(&path).await.ok()["asset"]["duration_ms"].as_f64().unwrap();
    assert!((length - duration_ms).abs() <= 100.0, "{length} instead of {duration_ms}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conform_finds_indexed_sources_as_a_job() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let (sources, edit, _) = film(&api).await;
    let named = api.post(CONFORM, &json!({"asset_id": edit, "sources": sources})).await.ok();
    for source in &sources {
        let _timeline = api.post(ANALYZE, &json!({"asset_id": source})).await.ok();
    }
    let body = json!({"asset_id": edit});
    let job = accepted(&later(&api, CONFORM, &body, 0).await);
    assert_eq!(job["kind"], "conform");
    let done = ended(&api, &job).await;
    assert_eq!(done["result"]["body"]["shots"], named["shots"], "{done:#}");
    let other = server.api("t2", "dev");
    other.post(CONFORM, &body).await.problem(404, "asset_not_found");
    server.stop().await;
}
