//! Jobs of every kind.

use std::collections::BTreeSet;

use e2e::{Api, Deployment, media};
use serde_json::{Value, json};

use crate::analysis::ANALYZE;
use crate::jobs::{accepted, ended, id, later};

const HITS: &str = "/audio/hits/detect";
const SNIPPETS: &str = "/origin-snippets/batch";
/// Number of semantic timelines from which edits are jobs.
const MANY: usize = 9;

/// Calls that are jobs, with their bodies.
type Calls = Vec<(String, Value)>;

/// Analyses, renders, snippets and shot lists of sequences.
async fn media_calls(api: &Api) -> Calls {
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let clicks = api.upload(&media::fixture("click_120bpm.wav")).await;
    let render = json!({
        "asset_id": film["id"], "start_ms": 0, "end_ms": 400, "render_profile": "draft_480p_fast"
    });
    let hit = json!({"kind": "audio_hit", "uri": "mem:hit", "start_ms": 200, "end_ms": 400});
    let hit = api.post(&format!("/media-v2/assets/{}/artifacts", id(&film)), &hit).await.ok()["id"].clone();
    let batch = json!({
        "mode": "render_clips", "render_profile": "draft_480p_fast", "items": [{"audio_artifact_id": hit}]
    });
    // A short shot list is made at once.
    let clip = |start: u32| json!({"artifact_id": hit, "start_ms": start, "duration_ms": 1});
    let clips: Vec<Value> = (0..1_001).map(|index| clip(10 * index)).collect();
    let list = |clips: &[Value]| json!({"sequence": {"tracks": [{"name": "a", "clips": clips}]}});
    let short = later(api, "/audio/to-video-origin", &list(&clips[..1]), 0).await;
    assert_eq!(short.status, 200, "{}", short.text());
    let of_film = || json!({"asset_id": film["id"]});
    let calls = [
        (ANALYZE, of_film()),
        ("/video/render", render),
        (SNIPPETS, batch),
        ("/audio/to-video-origin", list(&clips)),
        (HITS, of_film()),
        ("/audio/loops/detect", of_film()),
        // Of 40 s; shorter queries are answered at once.
        ("/audio/identify", of_film()),
        ("/audio/align", json!({"reference_asset_id": film["id"], "asset_ids": [clicks["id"]]})),
        ("/audio/conform", json!({"asset_id": film["id"], "sources": [clicks["id"]]})),
        ("/audio/field-to-samples", json!({"asset_id": film["id"], "hit_params": {"min_interval_ms": 90}})),
    ];
    calls.map(|(path, body)| (path.to_owned(), body)).into()
}

/// An analysed recording. Its timeline, registered again, has a word, as if a speech model had transcribed it.
async fn recording_with_a_word(api: &Api) -> Value {
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let timeline = made["audio_semantic_artifact_id"].as_str().unwrap();
    let mut timeline = api.get(&format!("/media-v2/artifacts/{timeline}/content")).await.ok();
    timeline["events"][0]["meta"]["words"] =
        json!([{"word": "tick", "start_ms": 0, "end_ms": 100, "confidence": 0.9}]);
    let document = timeline.to_string().into_bytes();
    let document = api.upload_bytes("timeline.json", document, &[]).await.ok();
    let meta = json!({
        "backend_version": timeline["meta"]["backend_version"], "model_used": timeline["meta"]["model_used"],
        "cache_key": asset["id"], "duration_ms": timeline["duration_ms"]
    });
    let registered = json!({"kind": "audio_semantic_timeline", "uri": document["source_uri"], "meta": meta});
    let _registered = api.post(&format!("/media-v2/assets/{}/artifacts", id(&asset)), &registered).await.ok();
    asset["id"].clone()
}

/// Phrases, renders of patterns, and edits of many recordings.
async fn calls_of_analysed_recordings(api: &Api) -> Calls {
    let mut recordings = Vec::new();
    for _ in 0..MANY {
        recordings.push(recording_with_a_word(api).await);
    }
    let music = api.upload(&media::fixture("music_120bpm.wav")).await;
    let _timeline = api.post(ANALYZE, &json!({"asset_id": music["id"]})).await.ok();
    let hits = api.post(HITS, &json!({"asset_id": recordings[0]})).await.ok();
    let pattern =
        json!({"template_id": "four_on_the_floor", "sample_map": {"kick": hits["artifact_ids"][0]}});
    let pattern = api.post("/audio/patterns", &pattern).await.ok();
    let sources: Vec<Value> = recordings.iter().map(|id| json!({"asset_id": id})).collect();
    let cut = json!({
        "music_asset_id": music["id"], "sources": sources, "order": "energy", "every": "2beats",
        "start_ms": 4_000, "end_ms": 20_000
    });
    let render = format!("/audio/patterns/{}/render", pattern["pattern_id"].as_str().unwrap());
    vec![
        ("/audio/voice-phrases/detect".to_owned(), json!({"asset_id": recordings[0]})),
        (render, json!({})),
        ("/edits/cut-to-music".to_owned(), cut),
        ("/edits/supercut".to_owned(), json!({"q": "tick", "asset_ids": recordings})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_heavy_call_can_be_a_job() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let mut calls = media_calls(&api).await;
    calls.extend(calls_of_analysed_recordings(&api).await);
    let mut kinds = BTreeSet::new();
    for (path, body) in &calls {
        let job = accepted(&later(&api, path, body, 0).await);
        kinds.insert(job["kind"].to_string());
        let done = ended(&api, &job).await;
        assert_eq!(
            (&done["state"], &done["result"]["status"]),
            (&json!("succeeded"), &json!(200)),
            "{path}: {done}"
        );
        let answer = api.get(done["result"]["href"].as_str().unwrap()).await.ok();
        if path != SNIPPETS {
            assert_eq!(without_cache(&api.post(path, body).await.ok()), without_cache(&answer), "{path}");
        }
    }
    // `fetch_source` is tested with its web server, in `sources.rs`.
    assert_eq!(kinds.len(), 14, "of {} calls: {kinds:?}", calls.len());
    server.stop().await;
}

/// An answer without its field `cache_hit`.
fn without_cache(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for name in ["meta", "summary_meta"] {
        if let Some(meta) = answer.get_mut(name).and_then(Value::as_object_mut) {
            meta.remove("cache_hit");
        }
    }
    answer
}
