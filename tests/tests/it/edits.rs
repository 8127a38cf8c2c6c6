//! Edits over HTTP: silences removed, cuts to music, supercuts; and timelines of their shot lists.

use e2e::{Api, Deployment, media};
use serde_json::{Value, json};

use crate::analysis::ANALYZE;
use crate::words::{model, server_with};

const REMOVE_SILENCE: &str = "/edits/remove-silence";
const CUT_TO_MUSIC: &str = "/edits/cut-to-music";
const SUPERCUT: &str = "/edits/supercut";
const TIMELINES: &str = "/video/timelines";

/// `[source start, source end, target start]` of each shot, asserting that the shots are contiguous.
#[track_caller]
fn contiguous(list: &Value) -> Vec<[f64; 3]> {
    let names = ["source_start_ms", "source_end_ms", "target_start_ms"];
    let shots = list["shots"].as_array().unwrap();
    let times: Vec<_> = shots.iter().map(|shot| names.map(|name| shot[name].as_f64().unwrap())).collect();
    let mut end = 0.0;
    for ([from, to, target], shot) in times.iter().zip(shots) {
        assert!((target - end).abs() < 1e-6 && from < to, "{shot}");
        end = target + shot["target_duration_ms"].as_f64().unwrap();
        assert!((end - target - (to - from)).abs() < 1e-6, "{shot}");
    }
    times
}

async fn stored(api: &Api, list: &Value) -> Value {
    let id = list["shot_list_artifact_id"].as_str().unwrap();
    api.get(&format!("/audio/to-video-origin/{id}")).await.ok()
}

async fn analysed(api: &Api, file: &str) -> Value {
    let asset = api.upload(&media::fixture(file)).await;
    let _made = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    asset
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_removed_once_for_identical_requests() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let request = json!({"asset_id": film["id"], "min_silence_ms": 1_500});
    let problem = api.post(REMOVE_SILENCE, &request).await.problem(422, "semantics_required");
    assert_eq!(problem["ids"], json!([film["id"]]));
    let timeline = api.post(ANALYZE, &json!({"asset_id": film["id"]})).await.ok();

    let first = api.post(REMOVE_SILENCE, &request).await;
    let list = first.ok();
    let times = contiguous(&list);
    // The silence from 20 to 22 s, less a margin of 100 ms at both sides.
    let is_cut =
        |pair: &[[f64; 3]]| (pair[0][1] - 20_100.0).abs() < 300.0 && (pair[1][0] - 21_900.0).abs() < 300.0;
    assert!(times.windows(2).any(is_cut), "{list}");
    assert!(times.iter().all(|[_, end, _]| *end <= film["duration_ms"].as_f64().unwrap() + 1.0));
    assert_eq!(list["meta"]["backend_version"], "remove_silence_v1");
    assert_eq!(list["shots"][0]["meta"]["semantic_backend_type"], "signal");
    assert_eq!(stored(&api, &list).await, list);
    assert_eq!(api.post(REMOVE_SILENCE, &request).await.body, first.body);
    let id = list["shot_list_artifact_id"].as_str().unwrap();
    let artifact = api.get(&format!("/media-v2/artifacts/{id}")).await.ok();
    assert_eq!(artifact["upstream_artifact_ids"], json!([timeline["audio_semantic_artifact_id"]]));
    assert_eq!(artifact["meta"]["backend_version"], "remove_silence_v1", "{artifact}");
    let rows = api.get(&format!("/audio/to-video-origin/{id}/export?format=csv")).await;
    assert_eq!((rows.status, rows.text().contains("video")), (200, true), "edits are exported");

    let fillers = json!({"asset_id": film["id"], "fillers": true});
    api.post(REMOVE_SILENCE, &fillers).await.problem(422, "words_not_found");
    let of_stream = json!({"asset_id": film["id"], "audio_stream": 1});
    api.post(REMOVE_SILENCE, &of_stream).await.problem(422, "semantics_required");
    let margin = json!({"asset_id": film["id"], "margin_ms": -1});
    let problem = api.post(REMOVE_SILENCE, &margin).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/margin_ms");
    server.api("t2", "dev").post(REMOVE_SILENCE, &request).await.problem(404, "asset_not_found");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_are_cut_to_music() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let (film, song) = (analysed(&api, "talk_and_music.mp4").await, analysed(&api, "music_120bpm.wav").await);
    let sources = json!([
        {"asset_id": film["id"], "start_ms": 0, "end_ms": 10_000}, {"asset_id": film["id"], "start_ms": 22_000}
    ]);
    let request = json!({"music_asset_id": song["id"], "sources": sources, "every": "2beats", "start_ms": 4_000, "end_ms": 20_000});
    let list = api.post(CUT_TO_MUSIC, &request).await.ok();
    let times = contiguous(&list);
    let shots = list["shots"].as_array().unwrap();
    assert!((12..=20).contains(&shots.len()), "two beats at 120 bpm are a second: {list}");
    assert!(
        times.iter().enumerate().all(|(index, [start, ..])| (*start < 10_000.0) == (index % 2 == 0)),
        "{list}"
    );
    for (shot, [_, _, target]) in shots.iter().zip(&times) {
        assert_eq!(shot["meta"]["music_asset_id"], song["id"]);
        assert!((shot["meta"]["music_start_ms"].as_f64().unwrap() - 4_000.0 - target).abs() < 1e-6, "{shot}");
    }
    let last = times.last().unwrap();
    assert!((last[2] + last[1] - last[0] - 16_000.0).abs() < 1e-6, "the edit is as long as the music");

    let with = |more: Value| {
        let mut request = request.clone();
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let problem =
        api.post(CUT_TO_MUSIC, &with(json!({"order": "shuffled"}))).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/seed");
    let shuffled = with(json!({"order": "shuffled", "seed": 7}));
    let first = api.post(CUT_TO_MUSIC, &shuffled).await;
    assert_eq!(
        (first.ok()["meta"]["seed"].clone(), first.ok()["shots"].as_array().unwrap().len()),
        (json!(7), shots.len())
    );
    assert_eq!(api.post(CUT_TO_MUSIC, &shuffled).await.body, first.body);
    let by_energy = api.post(CUT_TO_MUSIC, &with(json!({"order": "energy"}))).await.ok();
    assert_eq!(contiguous(&by_energy).len(), shots.len());
    let short = with(json!({"sources": [{"asset_id": film["id"], "end_ms": 50}]}));
    api.post(CUT_TO_MUSIC, &short).await.problem(422, "sources_too_short");
    let beyond = with(json!({"sources": [{"asset_id": film["id"], "start_ms": 50_000}]}));
    let problem = api.post(CUT_TO_MUSIC, &beyond).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/sources/0/start_ms");
    let beatless = with(json!({"start_ms": 4_100, "end_ms": 4_300}));
    let problem = api.post(CUT_TO_MUSIC, &beatless).await.problem(422, "beats_required");
    assert!(problem["detail"].as_str().unwrap().contains("use another window"), "{problem}");

    // As a timeline: one track of muted frames, one clip of the music.
    let made =
        api.post(TIMELINES, &json!({"shot_list_artifact_id": list["shot_list_artifact_id"]})).await.created();
    assert_eq!((&made["track_count"], &made["clip_count"]), (&json!(2), &json!(shots.len() + 1)), "{made}");
    let path = format!("/video/sequences/{}/clips?limit=500", made["sequence_id"].as_str().unwrap());
    let clips = api.get(&path).await.ok();
    let music: Vec<&Value> =
        clips["items"].as_array().unwrap().iter().filter(|clip| clip["asset_id"] == song["id"]).collect();
    let [music] = music.as_slice() else { panic!("one clip of music: {clips}") };
    assert_eq!(
        (&music["in_ms"], &music["out_ms"], &music["volume_db"]),
        (&json!(4_000), &json!(20_000), &json!(0.0))
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn supercuts_have_windows_or_a_phrase() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let window = |start: u32, end: u32| json!({"asset_id": film["id"], "start_ms": start, "end_ms": end});
    let windows = json!([window(100, 1_000), window(1_100, 2_000), window(39_000, 60_000)]);
    let list = api.post(SUPERCUT, &json!({"windows": windows, "padding_ms": 200})).await.ok();
    let times = contiguous(&list);
    assert_eq!(times.len(), 2, "padded windows overlap: {list}");
    assert_eq!((times[0][0], times[0][1], times[1][0]), (0.0, 2_200.0, 38_800.0));
    assert!(
        (times[1][1] - film["duration_ms"].as_f64().unwrap()).abs() < 1e-6,
        "to the end of the recording"
    );
    let beyond = json!({"windows": [window(0, 1), window(41_000, 42_000)]});
    let problem = api.post(SUPERCUT, &beyond).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/windows/1/start_ms");
    let unknown = json!({"windows": [{"asset_id": "asset_unknown", "start_ms": 0, "end_ms": 1}]});
    api.post(SUPERCUT, &unknown).await.problem(404, "asset_not_found");

    let digits = analysed(&api, "digits.wav").await;
    let said = |q: &str| json!({"q": q, "asset_ids": [digits["id"]]});
    let list = api.post(SUPERCUT, &said("One!")).await.ok();
    let seconds: Vec<i64> = contiguous(&list).iter().map(|[start, ..]| (start / 1_000.0) as i64).collect();
    assert_eq!(seconds, [1, 3], "three one four one five nine two six: {list}");
    let list = api.post(SUPERCUT, &said("one, FOUR one")).await.ok();
    assert_eq!(contiguous(&list).len(), 1, "{list}");
    api.post(SUPERCUT, &said("eleven")).await.problem(422, "phrase_not_found");
    let unanalysed = json!({"q": "one", "asset_ids": [film["id"]]});
    api.post(SUPERCUT, &unanalysed).await.problem(422, "semantics_required");

    // A newer timeline without words: with and without `asset_ids`, the words of the older one are found.
    let whole = api.post(SUPERCUT, &said("one")).await.ok()["shots"].clone();
    let deployment = server.deployment().clone();
    server.stop().await;
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let wordless = api.post(ANALYZE, &json!({"asset_id": digits["id"]})).await.ok();
    assert_eq!(
        (&wordless["meta"]["backend_type"], &wordless["meta"]["cache_hit"]),
        (&json!("signal"), &json!(false))
    );
    assert_eq!(api.post(SUPERCUT, &said("one")).await.ok()["shots"], whole);
    let of_library = api.post(SUPERCUT, &json!({"q": "one"})).await.ok();
    assert_eq!(contiguous(&of_library).len(), whole.as_array().unwrap().len());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shot_list_becomes_a_project_with_layers_and_samples() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let hit = json!({"kind": "audio_hit", "uri": film["source_uri"], "start_ms": 12_000, "end_ms": 12_500});
    let path = format!("/media-v2/assets/{}/artifacts", film["id"].as_str().unwrap());
    let hit = api.post(&path, &hit).await.created()["id"].clone();
    let clip =
        |start: u32| json!({"artifact_id": hit, "start_ms": start, "duration_ms": 400, "label": "hit"});
    let tracks = json!([{"name": "drums", "clips": [clip(0), clip(200), clip(1_000)]}]);
    let list = api
        .post("/audio/to-video-origin", &json!({"sequence": {"tracks": tracks}, "alignment": "none"}))
        .await
        .ok();

    let request = json!({"shot_list_artifact_id": list["shot_list_artifact_id"], "title": "Drums"});
    let made = api.post(TIMELINES, &request).await.created();
    assert_eq!(
        (&made["project"]["title"], &made["track_count"], &made["clip_count"]),
        (&json!("Drums"), &json!(4), &json!(6))
    );
    let sequence = made["sequence_id"].as_str().unwrap();
    let tracks = api.get(&format!("/video/sequences/{sequence}/tracks")).await.ok();
    let labels: Vec<_> =
        tracks["items"].as_array().unwrap().iter().map(|track| track["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["V1", "V2", "A1", "A2"]);
    let clips = api.get(&format!("/video/sequences/{sequence}/clips")).await.ok();
    for clip in clips["items"].as_array().unwrap() {
        assert_eq!(
            (&clip["artifact_id"], &clip["in_ms"], &clip["meta"]["label"]),
            (&hit, &json!(12_000), &json!("hit"))
        );
    }

    let keyed =
        || api.request(reqwest::Method::POST, TIMELINES).header("idempotency-key", "k1").json(&request);
    let first = api.send(keyed()).await;
    let second = api.send(keyed()).await;
    assert_eq!((first.status, &first.body), (201, &second.body));

    api.post(TIMELINES, &json!({"shot_list_artifact_id": "artifact_unknown"}))
        .await
        .problem(404, "shot_list_not_found");
    server.api("t2", "dev").post(TIMELINES, &request).await.problem(404, "shot_list_not_found");
    let untitled = json!({"shot_list_artifact_id": list["shot_list_artifact_id"], "title": ""});
    let problem = api.post(TIMELINES, &untitled).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/title");
    let problem = api.post(TIMELINES, &json!({})).await.problem(422, "invalid_body");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("`project`") && detail.contains("`shot_list_artifact_id`"), "{detail}");
    let both = json!({"shot_list_artifact_id": list["shot_list_artifact_id"], "clips": []});
    api.post(TIMELINES, &both).await.problem(422, "invalid_body");
    server.stop().await;
}
