//! Identical requests get one timeline; any parameter that changes the result gets another.

use std::collections::BTreeSet;

use e2e::{Api, Deployment, media};
use serde_json::{Value, json};

use crate::analysis::ANALYZE;

async fn analyze(api: &Api, request: &Value) -> (String, bool) {
    let made = api.post(ANALYZE, request).await.ok();
    let id = made["audio_semantic_artifact_id"].as_str().unwrap().to_owned();
    (id, made["meta"]["cache_hit"].as_bool().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn cache_key_has_exactly_the_parameters_of_the_result() {
    let deployment = Deployment::new().await;
    let server = deployment.start_with(&[("AUDIO_SEMANTIC_BACKEND", "stub")]).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let twin = api.upload(&media::fixture("click_120bpm.wav")).await;
    let id = &asset["id"];
    let cut = json!({"kind": "audio_resampled", "uri": asset["source_uri"]});
    let cut = api.post(&format!("/media-v2/assets/{}/artifacts", id.as_str().unwrap()), &cut).await.ok();

    let base = json!({"asset_id": id});
    let (first, hit) = analyze(&api, &base).await;
    assert!(!hit);
    let same = [
        json!({"asset_id": id}),
        json!({"asset_id": id, "tenant_id": "t1", "env": "dev", "include_beats": true, "min_silence_ms": 300}),
    ];
    for request in &same {
        assert_eq!(analyze(&api, request).await, (first.clone(), true), "{request}");
    }

    let mut seen = BTreeSet::from([first]);
    let mut expect_miss = |(made, hit): (String, bool), what: &str| {
        assert!(!hit, "{what}");
        assert!(seen.insert(made), "{what}");
    };
    expect_miss(analyze(&api, &json!({"asset_id": twin["id"]})).await, "asset");
    expect_miss(analyze(&api, &json!({"asset_id": id, "artifact_id": cut["id"]})).await, "artifact");
    expect_miss(analyze(&api, &json!({"asset_id": id, "include_beats": false})).await, "beats");
    expect_miss(
        analyze(&api, &json!({"asset_id": id, "include_speech_music": false})).await,
        "speech and music",
    );
    expect_miss(analyze(&api, &json!({"asset_id": id, "min_silence_ms": 301})).await, "silence");
    expect_miss(analyze(&api, &json!({"asset_id": id, "loudness_window_ms": 999})).await, "loudness");
    expect_miss(analyze(&api.clone().user("u1"), &base).await, "user");
    let (clamped, hit) = analyze(&api, &json!({"asset_id": id, "min_silence_ms": 1})).await;
    expect_miss((clamped.clone(), hit), "clamped");
    assert_eq!(analyze(&api, &json!({"asset_id": id, "min_silence_ms": 50})).await, (clamped, true));
    let reply = api.post(ANALYZE, &json!({"asset_id": id, "min_silence_ms": 1})).await.ok();
    assert_eq!(reply["meta"]["min_silence_ms"], 50);
    let expected = json!([{"parameter": "min_silence_ms", "requested": 1, "effective": 50}]);
    assert_eq!(reply["meta"]["clamped"], expected);

    // Another backend version: the same database, with a server that uses another backend.
    server.stop().await;
    let signal = deployment.start().await;
    expect_miss(analyze(&signal.api("t1", "dev"), &base).await, "backend");
    signal.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_asked_at_once_analyse_once() {
    let deployment = Deployment::new().await;
    let (one, two) = (deployment.start().await, deployment.start().await);
    let asset = one.api("t1", "dev").upload(&media::fixture("talk_and_music.mp4")).await;
    let request = json!({"asset_id": asset["id"]});
    let ask = |server: &e2e::Server| {
        let (api, request) = (server.api("t1", "dev"), request.clone());
        tokio::spawn(async move { analyze(&api, &request).await })
    };
    let asked = [ask(&one), ask(&two), ask(&one), ask(&two), ask(&two)];
    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.unwrap());
    }
    let ids: BTreeSet<_> = answers.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 1, "one artifact: {answers:?}");
    assert_eq!(answers.iter().filter(|(_, hit)| !hit).count(), 1, "one analysis: {answers:?}");
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM artifacts WHERE kind = 'audio_semantic_timeline'")
            .fetch_one(&deployment.database().pool)
            .await
            .unwrap();
    assert_eq!(rows, 1);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_recording_gives_the_same_bytes() {
    let mut stored = Vec::new();
    let deployment = Deployment::new().await;
    for threads in ["1", "3"] {
        let server = deployment.start_with(&[("HARKBACK_ANALYSIS_THREADS", threads)]).await;
        let api = server.api("t1", "dev");
        // Under the same key: the stored artifact is deleted.
        sqlx::query("DELETE FROM artifacts").execute(&deployment.database().pool).await.unwrap();
        let asset = match stored.first() {
            None => api.upload(&media::fixture("talk_and_music.mp4")).await["id"].clone(),
            Some((asset, _)) => Value::clone(asset),
        };
        let (artifact, hit) = analyze(&api, &json!({"asset_id": asset})).await;
        assert!(!hit);
        let content = api.get(&format!("/media-v2/artifacts/{artifact}/content")).await;
        stored.push((asset, content.body));
        server.stop().await;
    }
    assert!(stored[0].1 == stored[1].1, "another run gave other bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_a_disconnected_client_is_stored() {
    let server = Deployment::new().await.start_with(&[("HARKBACK_ANALYSIS_WORKERS", "1")]).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let request = json!({"asset_id": asset["id"]});
    let impatient = tokio::spawn(api.request(reqwest::Method::POST, ANALYZE).json(&request).send());
    while api.get("/jobs").await.ok()["items"] == json!([]) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    impatient.abort();
    assert!(impatient.await.is_err_and(|error| error.is_cancelled()));
    // The work continues: the next request waits for it, and finds its result.
    let (_, hit) = analyze(&api, &request).await;
    assert!(hit);
    server.stop().await;
}
