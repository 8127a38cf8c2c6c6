//! Archives of samples: names, manifest, bytes, refusals.

use std::io::{Cursor, Read as _};

use audio_field_to_samples::archive::{MAX_CONCURRENT, MAX_FILES};
use media_v2::{ArtifactKind, MediaAsset, NewArtifact};
use primitives::Id;
use serde_json::{Value, json};
use test_kit::{Api, Reply, context};
use zip::ZipArchive;

use crate::support::{TestState, samples_request, strikes, wav};

const ARCHIVE: &str = "/audio/samples/archive";

fn api(state: &TestState) -> Api {
    Api::new(audio_field_to_samples::router(state.samples.clone()).split_for_parts().0)
}

/// Names and contents of the files of an archive, in its order. Reading checks their CRC-32.
fn files(reply: &Reply) -> Vec<(String, Vec<u8>)> {
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("application/zip")),
        "{}",
        reply.text()
    );
    assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
    let disposition = reply.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment; filename=\"samples.zip\""), "{disposition}");
    let mut archive = ZipArchive::new(Cursor::new(&reply.body)).unwrap();
    let count = archive.len();
    let mut read = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        (file.name().unwrap().into_owned(), content)
    };
    (0..count).map(&mut read).collect()
}

async fn register(state: &TestState, asset: &MediaAsset, kind: ArtifactKind, meta: Value) -> Id {
    let blob = state.media.service.blobs().put("RIFF".into()).await.unwrap();
    let mut new = NewArtifact::new(kind, asset.id.clone(), blob.id.uri(), "own", &json!({}));
    new.meta.extend(meta.as_object().unwrap().clone());
    state.media.insert_artifact("t1", new).await
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_have_the_samples_and_a_manifest() {
    let state = TestState::new().await;
    let asset = state.upload_fixture("music_120bpm.wav").await;
    let made = state.samples.samples(&context("t1"), &samples_request(&asset, json!({}))).await.unwrap();
    // The last hit first: the order is that of the request. A repeated id counts once.
    let mut ids = made.hit_artifact_ids.clone();
    ids.reverse();
    ids.extend(made.loop_artifact_ids.clone());
    let distinct = ids.clone();
    ids.push(ids[0].clone());
    let api = api(&state);
    let reply = api.post(ARCHIVE, &json!({"artifact_ids": ids})).await;
    let files = files(&reply);
    assert_eq!((files.len(), files[0].0.as_str()), (1 + distinct.len(), "manifest.json"));
    let manifest: Value = serde_json::from_slice(&files[0].1).unwrap();
    for ((id, entry), (name, content)) in
        distinct.iter().zip(manifest["files"].as_array().unwrap()).zip(&files[1..])
    {
        let artifact = state.artifact(id).await;
        assert_eq!(*content, state.bytes(&artifact).await, "{name}");
        assert_eq!((&entry["file"], &entry["artifact_id"]), (&json!(name), &json!(id)));
        assert_eq!(entry["asset_id"], asset.id.as_str());
        assert_eq!((&entry["start_ms"], &entry["end_ms"]), (&json!(artifact.start), &json!(artifact.end)));
        assert_eq!(entry["meta"], Value::Object(artifact.meta.clone()));
        let position = format!("{:09}", artifact.start.unwrap().since_zero().as_millis_round());
        let kind = if artifact.kind == ArtifactKind::AudioHit { "hit" } else { "loop" };
        let role = artifact.meta["event"]["role"].as_str().filter(|role| *role != "other").unwrap_or(kind);
        assert!(name.starts_with(&format!("{}-{position}-{role}", asset.id)), "{name}");
        assert_eq!(name.ends_with("bpm.wav"), kind == "loop", "{name}");
    }
    assert_eq!(
        api.post(ARCHIVE, &json!({"artifact_ids": distinct})).await.body,
        reply.body,
        "the same bytes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_refuse_what_is_no_sample() {
    let state = TestState::new().await;
    let asset = state.upload(wav(8_000, &strikes(8_000, 1.0, &[(0.2, 0.5)]))).await;
    let hit = register(&state, &asset, ArtifactKind::AudioHit, json!({})).await;
    let api = api(&state);
    let reply = api.post(ARCHIVE, &json!({"artifact_ids": [hit]})).await;
    assert_eq!(files(&reply)[1], (format!("{}-hit.wav", asset.id), b"RIFF".to_vec()));

    let unknown = json!({"artifact_ids": ["none", hit, "nor_this"]});
    let problem = api.post(ARCHIVE, &unknown).await.problem(404, "artifact_not_found");
    assert_eq!(problem["ids"], json!(["none", "nor_this"]));
    let own = json!({"artifact_ids": [hit]});
    api.tenant("t2").post(ARCHIVE, &own).await.problem(404, "artifact_not_found");
    api.header("x-env", "prod").post(ARCHIVE, &own).await.problem(404, "artifact_not_found");

    let shots = register(&state, &asset, ArtifactKind::VideoShotList, json!({})).await;
    let mp3 = register(&state, &asset, ArtifactKind::AudioHit, json!({"media_type": "audio/mpeg"})).await;
    let problem = api.post(ARCHIVE, &json!({"artifact_ids": [shots, hit, mp3]})).await;
    assert_eq!(problem.problem(422, "not_a_sample")["ids"], json!([shots, mp3]));

    assert_eq!(api.post(ARCHIVE, &json!({"artifact_ids": []})).await.invalid(), ["/artifact_ids"]);
    let many: Vec<String> = (0..=MAX_FILES).map(|n| format!("artifact_{n}")).collect();
    api.post(ARCHIVE, &json!({"artifact_ids": many})).await.problem(422, "too_many_files");
    let most = json!({"artifact_ids": many[..MAX_FILES]});
    api.post(ARCHIVE, &most).await.problem(404, "artifact_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_that_are_sent_at_the_same_time_are_limited() {
    let state = TestState::new().await;
    let asset = state.upload(wav(8_000, &strikes(8_000, 1.0, &[(0.2, 0.5)]))).await;
    let hit = register(&state, &asset, ArtifactKind::AudioHit, json!({})).await;
    let mut open = Vec::new();
    for _ in 0..MAX_CONCURRENT {
        open.push(state.samples.archive(&context("t1"), std::slice::from_ref(&hit)).await.unwrap());
    }
    let (api, own) = (api(&state), json!({"artifact_ids": [hit]}));
    let refused = api.post(ARCHIVE, &own).await;
    assert_eq!(refused.header("retry-after"), Some("10"));
    refused.problem(503, "queue_full");
    drop(open);
    // Archives that were sent, and refused requests, hold no slots.
    for _ in 0..=MAX_CONCURRENT {
        assert_eq!(files(&api.post(ARCHIVE, &own).await).len(), 2);
        let none = json!({"artifact_ids": ["none"]});
        api.post(ARCHIVE, &none).await.problem(404, "artifact_not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_bytes_are_reported_before_the_archive_begins() {
    let state = TestState::new().await;
    let asset = state.upload(wav(8_000, &strikes(8_000, 1.0, &[(0.2, 0.5)]))).await;
    let uri = format!("blob://sha256/{}", "0".repeat(64));
    let new = NewArtifact::new(ArtifactKind::AudioHit, asset.id.clone(), uri, "own", &json!({}));
    let id = state.media.insert_artifact("t1", new).await;
    let reply = api(&state).post(ARCHIVE, &json!({"artifact_ids": [id]})).await;
    reply.problem(500, "content_missing");
}
