use serde_json::json;

use crate::support::{TestState, noise, wav};

/// The sawtooth of [`wav`] has the values 0, 100, …, 19 900 over 200 frames.
#[tokio::test]
async fn peaks_are_returned_as_json_and_binary() {
    let state = TestState::new().await;
    let asset = state.upload(&wav(8_000, 2, 500), &[]).await.created();
    let id = asset["id"].as_str().unwrap();
    let path = format!("/media-v2/assets/{id}/waveform");

    let reply = state.api.get(&path).await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(
        reply.ok(),
        json!({"version": 2, "channels": 1, "sample_rate": 8_000, "samples_per_pixel": 256, "bits": 16,
            "length": 2, "data": [0, 19_900, 0, 19_900]})
    );
    let split = state.api.get(&format!("{path}?split_channels=true&samples_per_pixel=100&bits=8")).await.ok();
    assert_eq!(
        split["data"],
        json!([0, 38, 0, 38, 39, 77, 39, 77, 0, 38, 0, 38, 39, 77, 39, 77, 0, 38, 0, 38])
    );
    assert_eq!((&split["channels"], &split["length"]), (&json!(2), &json!(5)));

    let dat = state.api.get(&format!("{path}?format=dat")).await;
    assert_eq!(dat.header("content-type"), Some("application/octet-stream"));
    let words: Vec<i32> =
        dat.body[..20].chunks(4).map(|word| i32::from_le_bytes(word.try_into().unwrap())).collect();
    assert_eq!((words, &dat.body[20..24]), (vec![1, 0, 8_000, 256, 2], [0, 0, 0xbc, 0x4d].as_slice()));

    let artifact = state.artifact(id, json!({"uri": asset["source_uri"]})).await;
    let same = state.api.get(&format!("/media-v2/artifacts/{artifact}/waveform?format=dat")).await;
    assert_eq!((same.header("etag"), &same.body), (dat.header("etag"), &dat.body));
}

#[tokio::test]
async fn peaks_are_cached_and_revalidated_by_etag() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let path = format!("/media-v2/assets/{asset}/waveform");
    let first = state.api.get(&path).await;
    let etag = first.header("etag").unwrap();
    let files = state.media.blob_files();
    assert_eq!(state.api.get(&path).await.body, first.body);
    assert_eq!(state.media.blob_files(), files, "the second call computes nothing");

    let known = state.get_with(&path, &[("if-none-match", etag)]).await;
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(etag)));
    let other = state.get_with(&format!("{path}?bits=8"), &[("if-none-match", etag)]).await;
    assert_eq!(other.status, 200);

    // A lost blob is computed again.
    let kept = &etag[1..65];
    let blobs = state.media.directory().join("blobs/sha256");
    let lost = find(&blobs, kept).unwrap();
    std::fs::remove_file(&lost).unwrap();
    assert_eq!(state.api.get(&path).await.body, first.body);
    assert!(lost.exists());
}

fn find(directory: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find_map(|path| if path.is_dir() { find(&path, name) } else { path.ends_with(name).then_some(path) })
}

#[tokio::test]
async fn waveform_errors_have_their_codes() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    for query in ["samples_per_pixel=1", "samples_per_pixel=99999999", "bits=12", "format=png", "zoom=4"] {
        state
            .api
            .get(&format!("/media-v2/assets/{asset}/waveform?{query}"))
            .await
            .problem(422, "invalid_query");
    }
    state.api.get("/media-v2/assets/none/waveform").await.problem(404, "asset_not_found");
    state.api.get("/media-v2/artifacts/none/waveform").await.problem(404, "artifact_not_found");

    let text = state.upload(&noise(5_000), &[]).await.created()["id"].as_str().unwrap().to_owned();
    state.api.get(&format!("/media-v2/assets/{text}/waveform")).await.problem(422, "undecodable_media");
    let artifact = state.artifact(&asset, json!({"uri": "mem:x"})).await;
    state
        .api
        .get(&format!("/media-v2/artifacts/{artifact}/waveform"))
        .await
        .problem(422, "source_not_allowed");

    let long =
        state.upload(&wav(8_000, 1, (4 << 20) + 1), &[]).await.created()["id"].as_str().unwrap().to_owned();
    let path = format!("/media-v2/assets/{long}/waveform?samples_per_pixel");
    let refused = state.api.get(&format!("{path}=2")).await.problem(422, "waveform_too_detailed");
    assert!(refused["detail"].as_str().unwrap().contains("at least 3 samples per pixel"), "{refused}");
    assert_eq!(state.api.get(&format!("{path}=3")).await.ok()["length"], 1_398_102);
}
