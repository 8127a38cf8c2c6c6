//! Requests: registration, cache hits, errors.

use std::io::Cursor;

use audio_field_to_samples::model::{Detector, Event};
use audio_field_to_samples::{Error, MAX_SAMPLES};
use media_time::AssetTime;
use media_v2::{ArtifactKind, MediaAsset, NewArtifact};
use serde_json::{Value, json};
use test_kit::{context, scope};

use crate::support::{
    TestState, decoded, file, hits_request, loops_request, phrases_request, samples_request, strikes, wav,
};

async fn transcribe(state: &TestState, asset: &MediaAsset, transcript: &Value) -> primitives::Id {
    let blob = state.media.service.blobs().put(transcript.to_string().into()).await.unwrap();
    let mut new =
        NewArtifact::new(ArtifactKind::AsrTranscript, asset.id.clone(), blob.id.uri(), "hand", &json!({}));
    let meta = json!({"model_used": "hand", "cache_key": "k", "duration_ms": 1});
    new.meta.extend(meta.as_object().unwrap().clone());
    state.media.insert_artifact("t1", new).await
}

fn code(error: Error) -> &'static str {
    http_kit::Problem::from(error).code()
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_are_bit_equal_to_the_recording_in_every_container() {
    let state = TestState::new().await;
    for name in [
        "click_120bpm.wav",
        "click_120bpm.flac",
        "click_120bpm.mp3",
        "click_120bpm.m4a",
        "click_120bpm_edit_list.mp4",
        "talk_and_music.mp4",
    ] {
        let asset = state.upload_fixture(name).await;
        let response =
            state.samples.samples(&context("t1"), &samples_request(&asset, json!({}))).await.unwrap();
        let (format, source) = decoded(file(name));
        let found = response.summary_meta.hits_count;
        assert!(found >= 18, "{name}: {found} hits");
        for id in response.hit_artifact_ids.iter().chain(&response.loop_artifact_ids) {
            state.assert_exact(id, &format, &source).await;
        }
    }
}

/// Containers round their duration, and decoders return the last packet in full.
#[tokio::test(flavor = "multi_thread")]
async fn origins_are_within_the_declared_duration() {
    let state = TestState::new().await;
    let asset = state.upload(wav(8_000, &strikes(8_000, 1.0, &[(0.2, 0.5), (0.9, 0.5)]))).await;
    sqlx::query("UPDATE media_assets SET duration_us = duration_us - 7000")
        .execute(&state.media.database.pool)
        .await
        .unwrap();
    let asset = state.media.service.asset(&scope("t1"), &asset.id).await.unwrap();
    let length = asset.duration.unwrap();
    let found = state.samples.detect(&context("t1"), &hits_request(&asset, json!({}))).await.unwrap();
    let last = state.artifact(found.artifact_ids.last().unwrap()).await;
    let end = AssetTime::at(length);
    assert_eq!(last.end, Some(end));
    let Event::Hit(event) = found.events.last().unwrap() else { panic!("not a hit") };
    assert_eq!(event.source_end, end);
    let ends = "SELECT max(source_end_us) FROM origin_maps";
    let end: i64 = sqlx::query_scalar(ends).fetch_one(&state.media.database.pool).await.unwrap();
    assert_eq!(end, length.as_micros());
}

#[tokio::test(flavor = "multi_thread")]
async fn null_fields_count_as_absent() {
    let state = TestState::new().await;
    let asset = state.upload(wav(8_000, &strikes(8_000, 1.0, &[(0.2, 0.5)]))).await;
    let nulls = json!({
        "user_id": null, "run_hits": null, "run_loops": null, "run_phrases": null, "min_quality_score": null,
        "hit_params": {"pre_roll_ms": null, "min_peak_db": null}, "loop_params": null,
        "phrase_params": {"max_gap_ms": null},
    });
    let explicit = state.samples.samples(&context("t1"), &samples_request(&asset, nulls)).await.unwrap();
    let absent = state.samples.samples(&context("t1"), &samples_request(&asset, json!({}))).await.unwrap();
    assert_eq!(explicit.summary_meta.cache_key, absent.summary_meta.cache_key);
    assert!(absent.summary_meta.cache_hit && absent.summary_meta.hits_count == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn identical_requests_get_the_same_artifacts() {
    let state = TestState::new().await;
    let asset = state.upload_fixture("music_120bpm.wav").await;
    let (caller, request) = (context("t1"), samples_request(&asset, json!({})));
    // Two concurrent requests share one run.
    let (first, second) =
        tokio::join!(state.samples.samples(&caller, &request), state.samples.samples(&caller, &request));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first.summary_meta.cache_hit, second.summary_meta.cache_hit);
    assert_eq!(first.hit_artifact_ids, second.hit_artifact_ids);
    assert_eq!(first.loop_artifact_ids, second.loop_artifact_ids);
    assert!(!first.hit_artifact_ids.is_empty() && !first.loop_artifact_ids.is_empty());
    let errors = first.summary_meta.errors.unwrap();
    assert_eq!(errors.keys().collect::<Vec<_>>(), [&Detector::Phrases]);
    assert_eq!(errors[&Detector::Phrases].code, "words_not_found");

    // A request for one detector shares the run; other parameters do not.
    let hits = state.samples.detect(&context("t1"), &hits_request(&asset, json!({}))).await.unwrap();
    assert!(hits.meta.cache_hit && hits.artifact_ids == first.hit_artifact_ids);
    assert!(first.summary_meta.cache_key.starts_with(&hits.meta.cache_key));
    let artifacts = state.count("artifacts").await;
    assert_eq!(state.count("origin_maps").await, artifacts);
    assert_eq!(artifacts, (first.hit_artifact_ids.len() + first.loop_artifact_ids.len()) as i64);
    let params = json!({"hit_params": {"pre_roll_ms": 20}});
    let others = state.samples.detect(&context("t1"), &hits_request(&asset, params)).await.unwrap();
    assert!(!others.meta.cache_hit && others.meta.cache_key != hits.meta.cache_key);
    assert_ne!(others.artifact_ids, hits.artifact_ids);

    // Another asset with the same bytes gets equal samples.
    let twin = state.upload_fixture("music_120bpm.wav").await;
    let twins = state.samples.detect(&context("t1"), &hits_request(&twin, json!({}))).await.unwrap();
    assert_eq!(twins.events, hits.events);
    for (a, b) in hits.artifact_ids.iter().zip(&twins.artifact_ids) {
        let (a, b) = (state.artifact(a).await, state.artifact(b).await);
        assert_ne!(a.uri, b.uri, "the headers name the asset");
        let [a, b] = [state.bytes(&a).await, state.bytes(&b).await];
        assert_eq!(decoded(Cursor::new(a)).1, decoded(Cursor::new(b)).1, "the same samples");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_record_their_source_and_parameters() {
    let state = TestState::new().await;
    let asset = state.upload(wav(16_000, &strikes(16_000, 3.0, &[(0.5, 0.8), (1.5, 0.2)]))).await;
    let request = hits_request(&asset, json!({"min_quality_score": 0.9}));
    let hits = state.samples.detect(&context("t1"), &request).await.unwrap();
    assert_eq!((hits.meta.count, hits.meta.filtered_count), (1, 1));
    let Event::Hit(event) = &hits.events[0] else { panic!("{:?}", hits.events) };
    assert!((480..=520).contains(&event.time_ms) && event.energy.unwrap() > 0.0);
    let brightness = event.brightness_hz.unwrap();
    assert!((370.0..450.0).contains(&brightness), "a tone of 400 Hz: {brightness} Hz");
    assert!(event.role.is_some() && (0.0..=1.0).contains(&event.role_confidence.unwrap()));
    let artifact = state.artifact(&hits.artifact_ids[0]).await;
    assert_eq!(artifact.kind, ArtifactKind::AudioHit);
    assert_eq!(artifact.start, Some(event.source_start));
    assert_eq!(artifact.end, Some(event.source_end));
    let meta = &artifact.meta;
    assert_eq!(meta["event"], serde_json::to_value(&hits.events[0]).unwrap());
    assert_eq!(meta["source_asset_id"], asset.id.as_str());
    assert_eq!(meta["backend_version"], hits.meta.backend_version);
    assert_eq!(
        meta["fades"],
        json!({"shape": "raised_cosine", "in_frames": 16, "out_frames": 160, "in_ms": 1, "out_ms": 10})
    );
    let detail = hits.meta.score_details[&artifact.id];
    assert_eq!((meta["score"].as_f64(), detail.offset), (Some(detail.score), event.source_start));
    assert_eq!(meta["pipeline_hash"].as_str().unwrap().len(), 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn phrases_come_from_the_newest_transcript() {
    let state = TestState::new().await;
    let asset = state.upload_fixture("talk_and_music.mp4").await;
    let request = phrases_request(&asset, json!({}));
    let none = state.samples.detect(&context("t1"), &request).await.unwrap_err();
    assert_eq!(code(none), "words_not_found");

    let words = json!({"words": [
        {"word": "Welcome.", "start_ms": 100.5, "end_ms": 700, "confidence": 0.5},
        {"word": "This", "start_ms": 900, "end_ms": 1200, "confidence": 1.0},
        {"word": "Late", "start_ms": 30_000, "end_ms": 30_900},
    ], "anything": "else"});
    let transcript = transcribe(&state, &asset, &words).await;
    let found = state.samples.detect(&context("t1"), &request).await.unwrap();
    let Event::Phrase(phrase) = &found.events[0] else { panic!("{:?}", found.events) };
    assert_eq!((phrase.transcript.as_str(), phrase.confidence), ("Welcome. This", Some(0.75)));
    assert_eq!((found.events.len(), phrase.start_ms, phrase.end_ms), (2, 101, 1_200));
    let (format, source) = decoded(file("talk_and_music.mp4"));
    for id in &found.artifact_ids {
        state.assert_exact(id, &format, &source).await;
        assert_eq!(state.artifact(id).await.upstream_artifact_ids, std::slice::from_ref(&transcript));
    }

    // Other words give another cache key.
    transcribe(&state, &asset, &json!({"words": []})).await;
    let found = state.samples.detect(&context("t1"), &request).await.unwrap();
    assert_eq!((found.meta.cache_hit, found.events.len()), (false, 0), "the transcript has no words");
    transcribe(&state, &asset, &json!({"text": "no words"})).await;
    let unreadable = state.samples.detect(&context("t1"), &request).await.unwrap_err();
    assert_eq!(code(unreadable), "transcript_unreadable");
    let all = state.samples.samples(&context("t1"), &samples_request(&asset, json!({}))).await.unwrap();
    assert!(all.summary_meta.hits_count > 0, "the failure of one detector does not stop the others");
    assert_eq!(all.summary_meta.errors.unwrap()[&Detector::Phrases].code, "transcript_unreadable");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_registration_is_rolled_back() {
    let state = TestState::new().await;
    let asset = state.upload_fixture("click_120bpm.wav").await;
    // The last statement of the transaction fails.
    sqlx::query("ALTER TABLE sample_runs ADD CONSTRAINT refuse CHECK (false)")
        .execute(&state.media.database.pool)
        .await
        .unwrap();
    let request = hits_request(&asset, json!({}));
    assert_eq!(code(state.samples.detect(&context("t1"), &request).await.unwrap_err()), "internal");
    for table in ["artifacts", "origin_maps", "sample_runs"] {
        assert_eq!(state.count(table).await, 0, "{table}");
    }
    sqlx::query("ALTER TABLE sample_runs DROP CONSTRAINT refuse")
        .execute(&state.media.database.pool)
        .await
        .unwrap();
    let found = state.samples.detect(&context("t1"), &request).await.unwrap();
    assert_eq!((found.meta.cache_hit, found.events.len()), (false, 19));
    for table in ["artifacts", "origin_maps"] {
        assert_eq!(state.count(table).await, 19, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_requests_and_recordings_are_rejected() {
    let state = TestState::new().await;
    let asset = state.upload_fixture("click_120bpm.wav").await;
    let foreign = state.samples.detect(&context("t2"), &hits_request(&asset, json!({}))).await.unwrap_err();
    assert_eq!(code(foreign), "asset_not_found");
    let silent = state.upload_fixture("no_audio_video.mp4").await;
    let request = samples_request(&silent, json!({}));
    assert_eq!(code(state.samples.samples(&context("t1"), &request).await.unwrap_err()), "no_audio_stream");
    let text = state.upload(b"no recording at all".to_vec()).await;
    let request = loops_request(&text, json!({}));
    assert_eq!(code(state.samples.detect(&context("t1"), &request).await.unwrap_err()), "undecodable_media");

    let request = samples_request(
        &asset,
        json!({
            "hit_params": {"pre_roll_ms": -1, "min_peak_db": 1e300, "max_duration_ms": 1},
            "loop_params": {"target_bars": [0, 33], "bpm_hint": 10_000, "min_confidence": -0.1},
            "phrase_params": {"max_gap_ms": 1e9},
            "min_quality_score": 2,
        }),
    );
    let Error::Invalid(errors) = state.samples.samples(&context("t1"), &request).await.unwrap_err() else {
        panic!("expected invalid fields")
    };
    let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    let expected = [
        "/hit_params/pre_roll_ms",
        "/hit_params/min_peak_db",
        "/hit_params/max_duration_ms",
        "/loop_params/target_bars/0",
        "/loop_params/target_bars/1",
        "/loop_params/bpm_hint",
        "/loop_params/min_confidence",
        "/phrase_params/max_gap_ms",
        "/min_quality_score",
    ];
    assert_eq!(pointers, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_above_the_limit_are_dropped_and_counted() {
    let state = TestState::new().await;
    // 2 100 clicks, the first hundred of them softer.
    let click = |n: usize| if n < 100 { 0.05 } else { 0.8 };
    let mut sound = vec![0.0f32; 2_000 * 211];
    for n in 0..2_100 {
        let tone = |k: usize| click(n) * (k as f32 * 1.3).sin();
        sound[200 * n + 100..].iter_mut().take(16).enumerate().for_each(|(k, sample)| *sample = tone(k));
    }
    let asset = state.upload(wav(2_000, &sound)).await;
    let params = json!({"hit_params": {"post_roll_ms": 5}});
    let found = state.samples.detect(&context("t1"), &hits_request(&asset, params)).await.unwrap();
    assert_eq!(found.events.len(), MAX_SAMPLES);
    assert!(found.meta.cut_off_count >= 90, "{}", found.meta.cut_off_count);
    let Event::Hit(first) = &found.events[0] else { panic!("{:?}", found.events[0]) };
    assert!(first.time_ms > 9_000, "the soft clicks were dropped");
}
