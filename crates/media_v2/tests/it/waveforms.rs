use serde_json::{Value, json};

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

/// Lowest, highest and RMS values of the points of a window answer, computed directly from the sawtooth of [`wav`].
fn sawtooth_points(window: &Value) -> (Vec<i64>, Vec<f64>) {
    let number = |name: &str| window[name].as_u64().unwrap();
    let (start, end, block) = (number("start_frame"), number("end_frame"), number("block_frames"));
    let (count, length) = ((end - start).div_ceil(block), number("length"));
    let (mut data, mut rms) = (Vec::new(), Vec::new());
    for point in 0..length {
        let frame = |point: u64| (start + point * count / length * block).min(end);
        let values: Vec<i64> =
            (frame(point)..frame(point + 1)).map(|frame| (frame % 200) as i64 * 100).collect();
        data.extend([*values.iter().min().unwrap(), *values.iter().max().unwrap()]);
        let squares: f64 = values.iter().map(|value| (*value as f64).powi(2)).sum();
        rms.push((squares / values.len() as f64).sqrt());
    }
    (data, rms)
}

#[tokio::test]
async fn windows_equal_a_direct_computation() {
    let state = TestState::new().await;
    let asset = state.upload(&wav(8_000, 2, 50_000), &[]).await.created();
    let path = format!("/media-v2/assets/{}/waveform", asset["id"].as_str().unwrap());
    let mut files = None;
    for (query, points, start, end) in [
        ("start_ms=1000&end_ms=2000&points=10", 10, 8_000, 16_000),
        // Extended to blocks of 64 frames; the end is that of the recording.
        ("start_ms=1001.5&end_ms=99999&points=400", 400, 8_000, 50_000),
        // No more points than blocks.
        ("start_ms=8&end_ms=24&points=10000", 2, 64, 192),
        ("points=1", 1, 0, 50_000),
        ("start_ms=6000", 32, 48_000, 50_000),
    ] {
        let reply = state.api.get(&format!("{path}?{query}")).await;
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let window = reply.ok();
        assert_eq!(
            (&window["length"], &window["start_frame"], &window["end_frame"], &window["block_frames"]),
            (&json!(points), &json!(start), &json!(end), &json!(64)),
            "{query}"
        );
        assert_eq!((&window["channels"], &window["bits"]), (&json!(1), &json!(16)));
        assert_eq!(window["start_ms"].as_f64(), Some(f64::from(start) / 8.0), "{query}");
        let (data, rms) = sawtooth_points(&window);
        assert_eq!(window["data"], json!(data), "{query}");
        let found = window["rms"].as_array().unwrap();
        assert_eq!(found.len(), rms.len());
        for (found, expected) in found.iter().zip(rms) {
            assert!((found.as_f64().unwrap() - expected).abs() <= 1.0, "{query}: {found}, direct {expected}");
        }
        let now = state.media.blob_files();
        assert_eq!(*files.get_or_insert(now), now, "the levels are stored once");
    }

    let split = state.api.get(&format!("{path}?points=3&split_channels=true&bits=8")).await.ok();
    assert_eq!((&split["channels"], &split["length"], &split["bits"]), (&json!(2), &json!(3), &json!(8)));
    assert_eq!(split["data"], json!([[0, 77]; 6].concat()));
    assert_eq!(split["rms"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn windows_are_revalidated_by_etag_and_computed_again_when_lost() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    let path = format!("/media-v2/assets/{asset}/waveform?points=4");
    let first = state.api.get(&path).await;
    let etag = first.header("etag").unwrap();
    let known = state.get_with(&path, &[("if-none-match", etag)]).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    for other in ["&bits=8", "&start_ms=10", "&end_ms=50"] {
        let other = state.get_with(&format!("{path}{other}"), &[("if-none-match", etag)]).await;
        assert_eq!(other.status, 200);
    }
    let lost = find(&state.media.directory().join("blobs/sha256"), &etag[1..65]).unwrap();
    std::fs::remove_file(&lost).unwrap();
    assert_eq!(state.api.get(&path).await.body, first.body);
    assert!(lost.exists());
    // A whole waveform is another answer, from another blob.
    assert_eq!(state.api.get(&format!("/media-v2/assets/{asset}/waveform")).await.ok()["version"], 2);
}

#[tokio::test]
async fn window_errors_name_the_parameter() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    for (query, detail) in [
        ("points=0", "points must be 1 to 10000"),
        ("points=10001", "points must be 1 to 10000"),
        ("start_ms=-1", "start_ms"),
        ("start_ms=20&end_ms=20", "less than end_ms"),
        ("start_ms=100", "not within the recording"),
        ("points=5&format=dat", "JSON only"),
        ("points=5&samples_per_pixel=256", "not with a window"),
    ] {
        let path = format!("/media-v2/assets/{asset}/waveform?{query}");
        let problem = state.api.get(&path).await.problem(422, "invalid_query");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{query}: {problem}");
    }
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
