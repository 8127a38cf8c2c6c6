//! Origin maps and clips of a lineage.

use serde_json::{Value, json};

use crate::support::TestState;

/// A hit of an audio asset that represents a film, played by clips, rendered as a snippet.
#[tokio::test]
async fn lineage_of_a_snippet_includes_its_source_and_clips() {
    let state = TestState::new().await;
    let (film, sound) = (state.asset().await, state.asset().await);
    let hit = state.hit(&sound, 100.0, 200.0).await;
    state.map(&hit, &film, 5_100, 5_200).await;
    let (track, other) = (state.track("t1").await, state.track("t1").await);
    let clip = state.clip(&track, &film, (4_850, 5_450), json!({"artifact_id": hit})).await;
    let earlier = state.clip(&other, &sound, (0, 300), json!({"artifact_id": hit})).await;
    state.clip(&track, &film, (0, 1), Value::Null).await;
    let snippet = json!({
        "kind": "render_snippet", "start_ms": 4_850, "end_ms": 5_450, "upstream_artifact_ids": [hit],
        "meta": {"project_id": "p", "sequence_id": "s", "clip_id": clip},
    });
    let snippet = state.artifact(&film, snippet).await;
    let strange = json!({"kind": "render", "meta": {"sequence_id": 7, "clip_id": "no id"}});
    let strange = state.artifact(&film, strange).await;

    let up = state.api.get(&format!("/media-v2/artifacts/{snippet}/lineage")).await.ok();
    assert_eq!((&up["artifacts"][0]["start_ms"], &up["artifacts"][1]["id"]), (&json!(4_850), &json!(hit)));
    let map = &up["origin_maps"][0];
    assert_eq!((&map["audio_artifact_id"], &map["parent_asset_id"]), (&json!(hit), &json!(film)));
    assert_eq!((&map["source_start_ms"], &map["source_end_ms"]), (&json!(5_100), &json!(5_200)));
    let rendered = json!({
        "artifact_id": snippet, "relation": "rendered_from", "clip_id": clip, "track_id": null, "sequence_id": "s",
        "project_id": "p", "asset_id": film, "in_ms": 4_850, "out_ms": 5_450, "start_ms_on_timeline": null,
    });
    let shows = |clip: &str, track: &str, asset: &str, start: i64, end: i64| {
        json!({
            "artifact_id": hit, "relation": "shows", "clip_id": clip, "track_id": track, "sequence_id": null,
            "project_id": null, "asset_id": asset, "in_ms": start, "out_ms": end, "start_ms_on_timeline": 0,
        })
    };
    let shown = [shows(&earlier, &other, &sound, 0, 300), shows(&clip, &track, &film, 4_850, 5_450)];
    assert_eq!(up["clips"], json!([shown[0], shown[1], rendered]));
    assert_eq!((&up["truncated"], &up["clips_truncated"]), (&json!(false), &json!(false)));

    // The film is found only through the map.
    let down = state.api.get(&format!("/media-v2/artifacts/{hit}/lineage")).await.ok();
    let assets: Vec<_> = down["assets"].as_array().unwrap().iter().map(|asset| asset["id"].clone()).collect();
    assert_eq!(assets, [json!(film), json!(sound)]);
    assert_eq!(down["clips"], json!(shown));
    let down = state.api.get(&format!("/media-v2/artifacts/{hit}/lineage?direction=down")).await.ok();
    assert_eq!(down["clips"].as_array().map(Vec::len), Some(3));
    let strange = state.api.get(&format!("/media-v2/artifacts/{strange}/lineage")).await.ok();
    assert_eq!((&strange["clips"], &strange["origin_maps"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn lineage_reports_truncated_clips() {
    let state = TestState::new().await;
    let (film, track) = (state.asset().await, state.track("t1").await);
    let hit = state.hit(&film, 0.0, 100.0).await;
    let flags = async |artifact: &str| {
        let lineage =
            state.api.get(&format!("/media-v2/artifacts/{artifact}/lineage?direction=down")).await.ok();
        assert_eq!(lineage["truncated"], false);
        (lineage["clips"].as_array().unwrap().len(), lineage["clips_truncated"] == true)
    };
    let clip =
        json!({"asset_id": film, "artifact_id": hit, "in_ms": 0, "out_ms": 9, "start_ms_on_timeline": 0});
    let batch = async |count: usize| {
        let clips = json!({"clips": vec![clip.clone(); count]});
        state.api.post(&format!("/video/tracks/{track}/clips/batch"), &clips).await.ok();
    };
    batch(500).await;
    assert_eq!(flags(&hit).await, (500, false));
    batch(1).await;
    assert_eq!(flags(&hit).await, (500, true));

    let root = state.hit(&film, 0.0, 100.0).await;
    for _ in 0..99 {
        state.artifact(&film, json!({"upstream_artifact_ids": [root]})).await;
    }
    assert_eq!(flags(&root).await, (0, false));
    state.artifact(&film, json!({"upstream_artifact_ids": [root]})).await;
    assert_eq!(flags(&root).await, (0, true));
}
