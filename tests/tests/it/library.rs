//! The library over HTTP: samples of all recordings, searches of words, supercuts of what a search finds.

use e2e::{Api, Deployment, binary, media};
use serde_json::{Value, json};

use crate::analysis::ANALYZE;
use crate::words::{SPOKEN, model, server_with};

const SAMPLES: &str = "/audio/samples";

async fn items(api: &Api, path: &str) -> Vec<Value> {
    api.get(path).await.ok()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_of_recordings_are_listed_and_compared() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let song = api.upload(&media::fixture("music_120bpm.wav")).await;
    let request = json!({"asset_id": song["id"], "run_phrases": false});
    let made = api.post("/audio/field-to-samples", &request).await.ok();
    let hits = made["hit_artifact_ids"].as_array().unwrap();
    let loops = made["loop_artifact_ids"].as_array().unwrap();
    assert!(hits.len() > 1 && !loops.is_empty(), "{made}");

    let listed = items(&api, &format!("{SAMPLES}?kind=audio_hit&sort=score&limit=500")).await;
    assert_eq!(listed.len(), hits.len());
    let scores: Vec<f64> = listed.iter().map(|sample| sample["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let first = &listed[0];
    let artifact =
        api.get(&format!("/media-v2/artifacts/{}", first["artifact_id"].as_str().unwrap())).await.ok();
    assert_eq!(first["start_ms"], artifact["start_ms"]);
    assert_eq!(first["peak_db"], artifact["meta"]["event"]["peak_db"]);
    assert_eq!(first["energy"], artifact["meta"]["event"]["energy"]);
    for name in ["brightness_hz", "role", "role_confidence"] {
        assert_eq!(first[name], artifact["meta"]["event"][name], "{name}");
    }
    let dark_first = items(&api, &format!("{SAMPLES}?sort=brightness&limit=500")).await;
    assert_eq!(dark_first.len(), hits.len());
    let hertz: Vec<f64> = dark_first.iter().map(|hit| hit["brightness_hz"].as_f64().unwrap()).collect();
    assert!(hertz.is_sorted() && hertz[0] > 20.0, "{hertz:?}");
    let role = first["role"].as_str().unwrap();
    let alike = items(&api, &format!("{SAMPLES}?role={role}&sort=energy&limit=500")).await;
    assert!(alike.iter().any(|hit| hit["artifact_id"] == first["artifact_id"]), "{role}");
    assert!(alike.iter().all(|hit| hit["role"] == role && hit["energy"].as_f64().unwrap() > 0.0));
    let around = items(&api, &format!("{SAMPLES}?bpm_min=110&bpm_max=130&sort=bpm")).await;
    assert!(!around.is_empty() && around.iter().all(|sample| sample["kind"] == "audio_loop"), "{around:?}");

    let id = first["artifact_id"].as_str().unwrap();
    let similar = items(&api, &format!("{SAMPLES}?similar_to={id}&limit=500")).await;
    assert_eq!(similar.len(), hits.len() - 1);
    let distances: Vec<f64> = similar.iter().map(|sample| sample["distance"].as_f64().unwrap()).collect();
    assert!(distances.is_sorted(), "{distances:?}");

    let stranger = server.api("t2", "dev");
    assert!(items(&stranger, SAMPLES).await.is_empty());
    stranger.get(&format!("{SAMPLES}?similar_to={id}")).await.problem(404, "artifact_not_found");
    api.get(&format!("{SAMPLES}?role=drum")).await.problem(422, "invalid_query");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spoken_words_are_searched_and_cut() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let digits = api.upload(&media::fixture("digits.wav")).await;
    let silent = json!({"q": "one"});
    api.post("/edits/supercut", &silent).await.problem(422, "phrase_not_found");
    let made = api.post(ANALYZE, &json!({"asset_id": digits["id"]})).await.ok();

    let found = items(&api, "/search?q=four").await;
    let matches: Vec<&Value> = found.iter().flat_map(|hit| hit["matches"].as_array().unwrap()).collect();
    assert_eq!(matches.len(), 1, "{SPOKEN:?}: {found:?}");
    assert_eq!(found[0]["timeline_artifact_id"], made["audio_semantic_artifact_id"]);
    assert_eq!(found[0]["asset_id"], digits["id"]);
    assert!(items(&api, "/search?q=eleven").await.is_empty());
    assert!(items(&server.api("t2", "dev"), "/search?q=four").await.is_empty());
    api.get("/search").await.problem(422, "invalid_query");

    let of_library = api.post("/edits/supercut", &json!({"q": "one, FOUR one"})).await.ok();
    let of_recording = json!({"q": "one, FOUR one", "asset_ids": [digits["id"]]});
    let of_recording = api.post("/edits/supercut", &of_recording).await.ok();
    let windows = |list: &Value| -> Vec<(Value, Value)> {
        let shots = list["shots"].as_array().unwrap().iter();
        shots.map(|shot| (shot["source_start_ms"].clone(), shot["source_end_ms"].clone())).collect()
    };
    assert_eq!(windows(&of_library), windows(&of_recording));
    let shot = &of_library["shots"][0];
    assert_eq!(shot["meta"]["semantic_backend_type"], "whisper_aubio", "{shot}");
    assert_eq!(
        items(&api, "/search?q=%22one%20four%20one%22").await[0]["matches"].as_array().unwrap().len(),
        1
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn index_command_indexes_what_older_versions_stored() {
    let deployment = Deployment::new().await;
    let model = model();
    let environment = [
        ("AUDIO_SEMANTIC_BACKEND", "whisper_aubio"),
        ("AUDIO_SEMANTIC_WHISPER_MODEL", model.to_str().unwrap()),
    ];
    let server = deployment.start_with(&environment).await;
    let api = server.api("t1", "dev");
    let digits = api.upload(&media::fixture("digits.wav")).await;
    let _timeline = api.post(ANALYZE, &json!({"asset_id": digits["id"]})).await.ok();
    let _samples = api.post("/audio/field-to-samples", &json!({"asset_id": digits["id"]})).await.ok();
    let (words, samples) = (items(&api, "/search?q=one").await, items(&api, SAMPLES).await);
    assert!(!words.is_empty() && !samples.is_empty());

    // As before the index existed.
    let pool = sqlx::PgPool::connect(&deployment.database().url()).await.unwrap();
    for table in ["DELETE FROM spoken_windows", "DELETE FROM samples"] {
        sqlx::query(table).execute(&pool).await.unwrap();
    }
    assert!(items(&api, "/search?q=one").await.is_empty() && items(&api, SAMPLES).await.is_empty());
    for (arguments, expected) in [
        (vec!["index", "words"], "timelines: 1 indexed"),
        (vec!["index", "words"], "timelines: 0 indexed"),
        (vec!["index", "words", "--rebuild"], "timelines: 1 indexed"),
        (vec!["index", "samples"], "samples: "),
    ] {
        let output = binary::command(&arguments)
            .arg("--data-dir")
            .arg(deployment.data_directory())
            .env("DATABASE_URL", deployment.database().url())
            .output()
            .await
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && printed.contains(expected), "{arguments:?}: {output:?}");
    }
    assert_eq!(items(&api, SAMPLES).await, samples);
    assert_eq!(items(&api, "/search?q=one").await.len(), words.len());
    server.stop().await;
}
