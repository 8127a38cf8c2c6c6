//! Stored bytes that changed: detected, listed by `verify`, and restored by an upload of the same bytes.

use std::path::{Path, PathBuf};

use e2e::{Api, Deployment, binary};
use reqwest::Method;
use serde_json::{Value, json};

fn file_of(deployment: &Deployment, asset: &Value) -> PathBuf {
    let sha256 = asset["content_sha256"].as_str().unwrap();
    deployment.data_directory().join("blobs/sha256").join(&sha256[..2]).join(sha256)
}

fn content(asset: &Value) -> String {
    format!("/media-v2/assets/{}/content", asset["id"].as_str().unwrap())
}

fn truncate(file: &Path) {
    std::fs::File::options().write(true).open(file).unwrap().set_len(10).unwrap();
}

async fn verify(deployment: &Deployment, arguments: &[&str]) -> (Option<i32>, String) {
    let output = binary::command(["verify", "--data-dir"])
        .arg(deployment.data_directory())
        .args(arguments)
        .env("DATABASE_URL", deployment.database().url())
        .output()
        .await
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

async fn upload(api: &Api, bytes: &[u8]) -> Value {
    api.upload_bytes("a.bin", bytes.to_vec(), &[]).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_bytes_are_detected_and_restored_by_an_upload() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let (cut, changed, gone) =
        (upload(&api, &[1; 1_000]).await, upload(&api, &[2; 1_000]).await, upload(&api, &[3; 1_000]).await);
    assert_eq!(verify(&deployment, &[]).await.0, Some(0));

    truncate(&file_of(&deployment, &cut));
    std::fs::write(file_of(&deployment, &changed), [9; 1_000]).unwrap();
    std::fs::remove_file(file_of(&deployment, &gone)).unwrap();
    api.get(&content(&cut)).await.problem(500, "content_damaged");
    let analyze = json!({"asset_id": cut["id"]});
    api.post("/audio/semantic-timeline/analyze", &analyze).await.problem(500, "content_damaged");
    let sha256 = |asset: &Value| asset["content_sha256"].as_str().unwrap().to_owned();
    for (arguments, what) in [(&[][..], "damaged"), (&["--repair"], "damaged, moved aside")] {
        let (code, printed) = verify(&deployment, arguments).await;
        assert_eq!(code, Some(1), "{printed}");
        for asset in [&cut, &changed] {
            assert!(
                printed.contains(&format!(
                    "{} {what}\n  t1 dev asset {}",
                    sha256(asset),
                    asset["id"].as_str().unwrap()
                )),
                "{printed}"
            );
        }
        assert!(
            printed.contains(&format!(
                "{} missing\n  t1 dev asset {}",
                sha256(&gone),
                gone["id"].as_str().unwrap()
            )),
            "{printed}"
        );
        // The third blob is the probe of the process.
        assert!(printed.contains("hashed: 3 blobs, 2 damaged, 1 missing"), "{printed}");
    }
    assert_eq!(verify(&deployment, &["--skip-bytes"]).await.0, Some(0));
    for (asset, byte) in [(&cut, 1), (&changed, 2), (&gone, 3)] {
        api.get(&content(asset)).await.problem(500, "content_missing");
        let _ = upload(&api, &[byte; 1_000]).await;
        assert_eq!(api.get(&content(asset)).await.body, [byte; 1_000]);
    }
    assert_eq!(verify(&deployment, &[]).await.0, Some(0));
    // An upload also restores bytes that were not moved aside.
    truncate(&file_of(&deployment, &cut));
    let _ = upload(&api, &[1; 1_000]).await;
    assert_eq!(api.get(&content(&cut)).await.body, [1; 1_000]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn etag_of_an_external_file_changes_with_the_file() {
    let sources = tempfile::tempdir().unwrap();
    let file = sources.path().join("a.bin");
    std::fs::write(&file, [1; 1_000]).unwrap();
    let root = sources.path().to_str().unwrap();
    let server = Deployment::new().await.start_with(&[("HARKBACK_SOURCE_ROOTS", root)]).await;
    let api = server.api("t1", "dev");
    let source = json!({"source_uri": format!("file://{}", file.display())});
    let asset = api.post("/media-v2/assets", &source).await.ok();
    let first = api.get(&content(&asset)).await;
    let etag = first.header("etag").unwrap().to_owned();
    let again = api.request(Method::GET, &content(&asset)).header("if-none-match", "\"other\"");
    assert_eq!(api.send(again.header("if-none-match", &etag)).await.status, 304);
    // The same bytes with a later modification time.
    let later = std::fs::metadata(&file).unwrap().modified().unwrap() + std::time::Duration::from_secs(5);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
    let again = api.send(api.request(Method::GET, &content(&asset)).header("if-none-match", &etag)).await;
    assert_eq!(again.status, 200);
    assert_ne!(again.header("etag"), Some(etag.as_str()));
    std::fs::write(&file, [2; 1_000]).unwrap();
    api.get(&content(&asset)).await.problem(409, "source_changed");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_changed_is_neither_analysed_nor_rendered() {
    let sources = tempfile::tempdir().unwrap();
    let file = sources.path().join("film.mp4");
    std::fs::copy(e2e::media::fixture("talk_and_music.mp4"), &file).unwrap();
    let environment =
        [("HARKBACK_SOURCE_ROOTS", sources.path().to_str().unwrap()), ("AUDIO_SEMANTIC_BACKEND", "signal")];
    let server = Deployment::new().await.start_with(&environment).await;
    let api = server.api("t1", "dev");
    let source = json!({"source_uri": format!("file://{}", file.display())});
    let asset = api.post("/media-v2/assets", &source).await.ok();
    let render = json!({"asset_id": asset["id"], "start_ms": 0, "end_ms": 1_000,
        "render_profile": "draft_480p_fast", "dry_run": true});
    let _ = api.post("/video/render", &render).await.ok();
    // One byte of the video's frames: the size and the format stay.
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    api.post("/video/render", &render).await.problem(409, "source_changed");
    let analyze = json!({"asset_id": asset["id"]});
    api.post("/audio/semantic-timeline/analyze", &analyze).await.problem(409, "source_changed");
    server.stop().await;
}
