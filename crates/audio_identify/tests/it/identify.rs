//! Searches: places, repeats, twins, other owners and refusals.

use audio_identify::Error;
use audio_identify::model::IdentifyRequest;
use axum::body::Body;
use axum::http::Request;
use scheduling::WorkError;
use serde_json::{Value, json};
use test_kit::context;

use crate::music::{RATE, at_speed, piece, scaled, wav};
use crate::support::{IDENTIFY, TestState, offset_ms};

fn matches(found: &Value) -> &Vec<Value> {
    found["matches"].as_array().unwrap()
}

#[tokio::test]
async fn excerpt_is_found_to_the_sample_with_its_gain() {
    let state = TestState::new().await;
    let pieces: Vec<Vec<f32>> = (1..4).map(|seed| piece(seed, 30)).collect();
    let mut assets = Vec::new();
    for samples in &pieces {
        assets.push(state.upload(samples).await);
    }
    assert_eq!(state.index().await.indexed, 3);
    // Of the third piece, from sample 100 003 on: 6 250.1875 ms.
    let excerpt = state.upload(&scaled(&pieces[2][100_003..148_003], 0.25)).await;
    for variation in ["none", "speed_and_pitch"] {
        let found = state.identify(&excerpt, json!({"variation": variation})).await;
        let first = &matches(&found)[0];
        assert_eq!(first["asset_id"], json!(assets[2].id), "{found}");
        assert!((offset_ms(first) - 6_250.187_5).abs() < 0.1, "{found}");
        assert!((first["speed"].as_f64().unwrap() - 1.0).abs() < 1e-4, "{found}");
        assert!((first["gain_db"].as_f64().unwrap() + 12.04).abs() < 0.3, "{found}");
        assert!((first["pitch"].as_f64().unwrap() - 1.0).abs() < 1e-4 && first["twin"] == false, "{found}");
        assert!(first["confidence"].as_f64().unwrap() >= 0.9999 && first["score"].as_u64().unwrap() > 3);
        assert!(matches(&found).iter().all(|one| one["asset_id"] == json!(assets[2].id)), "{found}");
    }
    let found = state.identify(&excerpt, json!({"variation": "none"})).await;
    assert_eq!(matches(&found).len(), 1, "{found}");
    let searched = json!({"assets": 4, "indexed_assets": 3, "indexed_ms": 90_000,
        "fingerprint_version": audio_fingerprint::FINGERPRINT_VERSION});
    assert_eq!(found["searched"], searched);
    assert_eq!((&found["origin_map"], &found["not_registered"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn unrelated_audio_has_no_match() {
    let state = TestState::new().await;
    state.upload(&piece(1, 30)).await;
    state.index().await;
    let other = state.upload(&piece(50, 5)).await;
    let found = state.identify(&other, json!({})).await;
    assert_eq!(found["matches"], json!([]));
}

#[tokio::test]
async fn other_speed_is_found_and_measured() {
    let state = TestState::new().await;
    let samples = piece(7, 30);
    let source = state.upload(&samples).await;
    state.index().await;
    let query = state.upload(&at_speed(&samples[80_000..180_000], 1.04)).await;
    let found = state.identify(&query, json!({})).await;
    let first = &matches(&found)[0];
    assert_eq!(first["asset_id"], json!(source.id), "{found}");
    assert!((first["speed"].as_f64().unwrap() - 1.04).abs() < 0.002, "{found}");
    let none = state.identify(&query, json!({"variation": "none"})).await;
    assert_eq!(none["matches"], json!([]), "only searched on request");
}

#[tokio::test]
async fn own_window_is_no_match_and_repeats_are() {
    let state = TestState::new().await;
    let phrase = piece(3, 4);
    let samples = [phrase.as_slice(), &piece(4, 3), &phrase, &piece(5, 3)].concat();
    let asset = state.upload(&samples).await;
    state.index().await;
    for variation in ["none", "speed_and_pitch"] {
        let window = json!({"start_ms": 500, "end_ms": 3_500, "variation": variation});
        let found = state.identify(&asset, window.clone()).await;
        assert_eq!(matches(&found).len(), 1, "{found}");
        let repeat = &matches(&found)[0];
        assert_eq!(repeat["asset_id"], json!(asset.id));
        assert!((offset_ms(repeat) - 7_000.0).abs() < 0.1, "{found}");
        let (start, end) = (&repeat["query_start_ms"], &repeat["query_end_ms"]);
        assert!(start.as_f64().unwrap() >= 500.0 && end.as_f64().unwrap() <= 3_500.0, "{found}");
        assert_eq!(state.identify(&asset, window).await, found);
    }
}

#[tokio::test]
async fn short_cut_has_the_same_places_among_all_speeds_as_unchanged() {
    let state = TestState::new().await;
    let samples = piece(1, 20);
    let source = state.upload(&samples).await;
    // The same audio 3 s later, at −3 dB.
    let quieter = state.upload(&[piece(9, 3), scaled(&samples, 0.708)].concat()).await;
    assert_eq!(state.index().await.indexed, 2);
    let cut = state.hit(&source, &samples[80_003..112_029]).await;
    for variation in ["none", "speed_and_pitch"] {
        let body = json!({"artifact_id": cut, "variation": variation});
        let found = state.api.post(IDENTIFY, &body).await.ok();
        assert_eq!(matches(&found).len(), 2, "{found}");
        for (asset, offset, gain) in [(&source, 5_000.187_5, 0.0), (&quieter, 8_000.187_5, 3.0)] {
            let place = matches(&found).iter().find(|one| one["asset_id"] == json!(asset.id)).unwrap();
            assert!((offset_ms(place) - offset).abs() < 0.1, "{found}");
            assert!((place["speed"].as_f64().unwrap() - 1.0).abs() < 1e-4, "{found}");
            assert!((place["gain_db"].as_f64().unwrap() - gain).abs() < 0.3, "{found}");
        }
    }
}

#[tokio::test]
async fn recording_of_the_same_bytes_is_a_twin_with_or_without_the_index() {
    let state = TestState::new().await;
    let samples = piece(6, 10);
    let (asset, twin) = (state.upload(&samples).await, state.upload(&samples).await);
    // Another owner's twin is none.
    state.upload_of("t2", &samples).await;
    for indexed in [0, 3] {
        let found = state.identify(&asset, json!({"start_ms": 1_000, "end_ms": 5_000})).await;
        let expected = json!([{
            "asset_id": twin.id, "source_start_ms": 1_000, "source_end_ms": 5_000, "query_start_ms": 1_000,
            "query_end_ms": 5_000, "speed": 1.0, "pitch": 1.0, "gain_db": 0.0, "score": null, "confidence": 1.0, "twin": true
        }]);
        assert_eq!(found["matches"], expected, "{indexed} indexed");
        state.index().await;
    }
}

#[tokio::test]
async fn other_owners_see_nothing() {
    let state = TestState::new().await;
    let samples = piece(8, 20);
    let asset = state.upload(&samples).await;
    state.index().await;
    let query = state.upload_of("t2", &samples[50_000..98_000]).await;
    let api = state.api.tenant("t2");
    let found = api.post(IDENTIFY, &json!({"asset_id": query.id})).await.ok();
    assert_eq!(found["matches"], json!([]));
    assert_eq!((&found["searched"]["assets"], &found["searched"]["indexed_ms"]), (&json!(1), &json!(0)));
    api.post(IDENTIFY, &json!({"asset_id": asset.id})).await.problem(404, "asset_not_found");
}

#[tokio::test]
async fn long_query_is_one_match_over_its_blocks() {
    let state = TestState::new().await;
    let samples = piece(9, 45);
    let source = state.upload(&samples).await;
    state.index().await;
    let query = state.upload(&scaled(&samples[32_000..640_000], 0.5)).await;
    let found = state.identify(&query, json!({"variation": "none"})).await;
    assert_eq!(matches(&found).len(), 1, "{found}");
    let first = &matches(&found)[0];
    assert_eq!(first["asset_id"], json!(source.id));
    assert!((offset_ms(first) - 2_000.0).abs() < 0.1, "{found}");
    assert!(first["query_start_ms"].as_f64().unwrap() < 500.0, "{found}");
    assert!(first["query_end_ms"].as_f64().unwrap() > 37_500.0, "{found}");
    assert!((first["gain_db"].as_f64().unwrap() + 6.02).abs() < 0.3, "{found}");
}

#[tokio::test]
async fn short_and_silent_queries_are_refused() {
    let state = TestState::new().await;
    let asset = state.upload(&[piece(1, 2), vec![0.0; 2 * RATE]].concat()).await;
    let window = async |start_ms: i64, end_ms: i64| {
        let body = json!({"asset_id": asset.id, "start_ms": start_ms, "end_ms": end_ms});
        state.api.post(IDENTIFY, &body).await
    };
    let problem = window(0, 299).await.problem(422, "query_too_short");
    assert!(problem["detail"].as_str().unwrap().contains("299 ms"), "{problem}");
    window(9_000, 10_000).await.problem(422, "query_too_short");
    window(2_500, 3_500).await.problem(422, "query_silent");
    assert_eq!(window(0, 300).await.status, 200);
    let both = json!({"asset_id": asset.id, "artifact_id": "a"});
    let problem = state.api.post(IDENTIFY, &both).await.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["pointer"], "/asset_id");
    state.api.post(IDENTIFY, &json!({"artifact_id": "a"})).await.problem(404, "artifact_not_found");
}

/// `bytes` as the file of a form.
fn form(bytes: &[u8]) -> Request<Body> {
    let head =
        b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"take.wav\"\r\n\r\n".as_slice();
    Request::post(IDENTIFY)
        .header("x-tenant-id", "t1")
        .header("x-env", "dev")
        .header("content-type", "multipart/form-data; boundary=edge")
        .body(Body::from([head, bytes, b"\r\n--edge--\r\n"].concat()))
        .unwrap()
}

#[tokio::test]
async fn file_is_found_if_it_is_no_longer_than_five_minutes() {
    let state = TestState::new().await;
    let samples = piece(11, 20);
    let source = state.upload(&samples).await;
    state.index().await;
    let found = state.api.send(form(&wav(&samples[16_000..64_000]))).await.ok();
    assert_eq!(matches(&found)[0]["asset_id"], json!(source.id), "{found}");
    let problem = state.api.send(form(&wav(&vec![0.5; 301 * RATE]))).await.problem(422, "query_too_long");
    assert!(problem["detail"].as_str().unwrap().contains("asset_id"), "{problem}");
    assert_eq!(state.media.blob_files(), 1, "only the source is kept");
}

#[tokio::test]
async fn short_query_is_a_job_if_its_matches_are_late_in_long_recordings() {
    let state = TestState::new().await;
    let samples = piece(12, 20);
    state.upload(&samples).await;
    state.index().await;
    let query = state.upload(&scaled(&samples[16_000..96_000], 0.5)).await;
    let request: IdentifyRequest = serde_json::from_value(json!({"asset_id": query.id})).unwrap();
    let context = context("t1");
    let identified = scheduling::defer(state.service.identify(&context, &request)).await.unwrap();
    assert_eq!(identified.matches.len(), 1);
    // As in a recording of three hours.
    state.execute("UPDATE fingerprint_landmarks SET frame = frame + 600000").await;
    state.execute("UPDATE fingerprint_sources SET duration_us = 10800000000").await;
    let deferred = scheduling::defer(state.service.identify(&context, &request)).await;
    assert!(matches!(deferred, Err(Error::Work(WorkError::Deferred))), "{deferred:?}");
    state.service.identify(&context, &request).await.unwrap();
}
