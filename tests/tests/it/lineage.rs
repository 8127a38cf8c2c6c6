//! Lineage of a recording through every engine, and back: uses of one second of it, and the source of a rendered file.

use e2e::{Api, Deployment, media};
use serde_json::{Value, json};

/// All uses in a window, read in pages of `limit`.
async fn usages(api: &Api, asset: &str, window: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/media-v2/assets/{asset}/usages?{window}&limit={limit}{cursor}");
        let page = api.get(&path).await.ok();
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

fn id_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn usages_of_a_window_and_lineage_of_a_snippet_agree() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let asset = id_of(&asset["id"]);

    let made =
        api.post("/audio/field-to-samples", &json!({"asset_id": asset, "run_phrases": false})).await.ok();
    let hits = made["hit_artifact_ids"].as_array().unwrap();
    let hit = id_of(&hits[0]);
    let sample = api.get(&format!("/media-v2/artifacts/{hit}")).await.ok();
    let (start, end) = (sample["start_ms"].as_f64().unwrap(), sample["end_ms"].as_f64().unwrap());

    let pattern = json!({"template_id": "four_on_the_floor", "sample_map": {"kick": hit}});
    let pattern = api.post("/audio/patterns", &pattern).await.ok();
    let shots = json!({"pattern_id": pattern["pattern_id"], "alignment": "none"});
    let shots = api.post("/audio/to-video-origin", &shots).await.ok();
    let snippets = json!({
        "items": [{"audio_artifact_id": hit, "padding_ms": 100}],
        "mode": "render_clips",
        "render_profile": "draft_480p_fast",
    });
    let snippets = api.post("/origin-snippets/batch", &snippets).await.ok();
    let snippet = &snippets["snippets"][0];
    assert_eq!(snippet["meta"]["render_error"], Value::Null, "{snippets}");

    let window = format!("start_ms={start}&end_ms={end}");
    let used = usages(&api, asset, &window, 500).await;
    let entry = |kind: &str, id: &Value| {
        let found = used.iter().find(|usage| usage["kind"] == kind && usage["id"] == *id);
        assert!(found.is_some(), "no {kind} {id} in {used:#?}");
        found.unwrap()
    };
    let window_of = |usage: &Value| (usage["start_ms"].clone(), usage["end_ms"].clone());
    let shown = (snippet["source_start_ms"].clone(), snippet["source_end_ms"].clone());
    assert_eq!(window_of(entry("audio_hit", &json!(hit))), window_of(&sample));
    assert_eq!(entry("video_shot_list", &shots["shot_list_artifact_id"])["start_ms"], sample["start_ms"]);
    let clip = entry("clip", &snippet["video_clip_id"]);
    assert_eq!((window_of(clip), &clip["artifact_id"]), (shown.clone(), &json!(hit)));
    assert_eq!(window_of(entry("render_snippet", &snippet["video_artifact_id"])), shown);
    assert_eq!(window_of(entry("render", &snippet["meta"]["render_artifact_id"])), shown);
    for usage in &used {
        assert!(usage["start_ms"].as_f64() < Some(end) && usage["end_ms"].as_f64() > Some(start), "{usage}");
    }
    assert_eq!(usages(&api, asset, &window, 2).await, used, "by pages");
    assert!(usages(&api, asset, "", 500).await.len() >= hits.len() + 4);

    let rendered = id_of(&snippet["video_artifact_id"]);
    let up = api.get(&format!("/media-v2/artifacts/{rendered}/lineage")).await.ok();
    let nodes: Vec<_> = up["artifacts"].as_array().unwrap().iter().map(|node| id_of(&node["id"])).collect();
    assert_eq!(nodes, [rendered, hit]);
    assert_eq!(window_of(&up["artifacts"][0]), shown);
    assert_eq!(up["assets"][0]["id"], asset);
    let maps = up["origin_maps"].as_array().unwrap();
    let map = |id: &str| maps.iter().find(|map| map["audio_artifact_id"] == id).unwrap();
    for (id, window) in [(hit, window_of(&sample)), (rendered, shown.clone())] {
        let mapped = (map(id)["source_start_ms"].clone(), map(id)["source_end_ms"].clone());
        assert_eq!((&map(id)["parent_asset_id"], mapped), (&json!(asset), window), "{id}");
    }
    let clips = up["clips"].as_array().unwrap();
    assert_eq!(clips.len(), 2, "{up:#}");
    for clip in clips {
        assert_eq!((&clip["clip_id"], &clip["asset_id"]), (&snippet["video_clip_id"], &json!(asset)));
        assert_eq!((&clip["in_ms"], &clip["out_ms"]), (&shown.0, &shown.1));
    }
    let project = clips.iter().find(|clip| clip["relation"] == "rendered_from").unwrap();
    assert_eq!(project["project_id"], snippets["project_id"]);
    let down = api.get(&format!("/media-v2/artifacts/{hit}/lineage?direction=down")).await.ok();
    let made = down["artifacts"].as_array().unwrap();
    assert!(made.iter().any(|node| node["id"] == rendered), "{down:#}");

    let stranger = server.api("t2", "dev");
    stranger.get(&format!("/media-v2/assets/{asset}/usages")).await.problem(404, "asset_not_found");
    stranger.get(&format!("/media-v2/artifacts/{hit}/lineage")).await.problem(404, "artifact_not_found");
    server.stop().await;
}
