//! Backup and restore in the order of docs/operating.md: backup of the database, then the blobs; restore in reverse.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use e2e::{Api, Deployment, binary, media};
use serde_json::{Value, json};
use tokio::process::Command;

const ANALYZE: &str = "/audio/semantic-timeline/analyze";

/// Runs a program to its end.
async fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Uploads until `stop` is set, and counts the uploads.
async fn keep_uploading(api: Api, stop: Arc<AtomicBool>, uploaded: Arc<AtomicUsize>) {
    while !stop.load(Ordering::Relaxed) {
        let number = uploaded.fetch_add(1, Ordering::Relaxed);
        assert_eq!(api.upload_bytes("n.bin", format!("upload {number}").into(), &[]).await.status, 201);
    }
}

/// All rows of a listing.
async fn all(api: &Api, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{path}?limit=100{cursor}")).await.ok();
        rows.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { return rows };
        cursor = format!("&cursor={next}");
    }
}

/// Restores a dump after removing the migrated schema, because a dump needs an empty database.
async fn restore(deployment: &Deployment, dump: &Path) {
    for statement in [
        "DROP SCHEMA IF EXISTS graphile_worker CASCADE",
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
    ] {
        sqlx::query(statement).execute(&deployment.database().pool).await.unwrap();
    }
    let url = deployment.database().url();
    let arguments = ["--no-owner", "--exit-on-error", "--dbname", &url, dump.to_str().unwrap()];
    let _ = run("pg_restore", &arguments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_while_the_service_runs_is_restored_elsewhere() {
    if Command::new("pg_dump").arg("--version").output().await.is_err() {
        return e2e::skipped("there is no pg_dump here");
    }
    let environment = [("AUDIO_SEMANTIC_BACKEND", "signal")];
    let original = Deployment::new().await;
    let server = original.start_with(&environment).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let analysed = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let timeline =
        format!("/audio/semantic-timeline/{}", analysed["audio_semantic_artifact_id"].as_str().unwrap());
    let timeline_of_original = api.get(&timeline).await.ok();
    let samples = api.post("/audio/field-to-samples", &json!({"asset_id": asset["id"]})).await.ok();
    assert_ne!(samples["hit_artifact_ids"], json!([]));

    // Uploads continue during the backup: before, between and after its two steps.
    let (stop, uploaded) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let uploads = tokio::spawn(keep_uploading(server.api("t1", "dev"), stop.clone(), uploaded.clone()));
    let more = async |than: usize| {
        while uploaded.load(Ordering::Relaxed) < than + 5 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        uploaded.load(Ordering::Relaxed)
    };
    let backup = tempfile::tempdir().unwrap();
    let dump = backup.path().join("harkback.dump");
    let before = more(0).await;
    let url = original.database().url();
    let _ = run("pg_dump", &["--format=custom", "--no-owner", "--file", dump.to_str().unwrap(), &url]).await;
    let between = more(before).await;
    let blobs = original.data_directory().join("blobs");
    let _ = run("cp", &["-a", blobs.to_str().unwrap(), backup.path().to_str().unwrap()]).await;
    let _ = more(between).await;
    stop.store(true, Ordering::Relaxed);
    uploads.await.unwrap();
    server.stop().await;

    // Restores the blobs first, then the database.
    let copy = Deployment::new().await;
    let data = copy.data_directory();
    let _ = run("cp", &["-a", backup.path().join("blobs").to_str().unwrap(), data.to_str().unwrap()]).await;
    restore(&copy, &dump).await;
    let verified = binary::command(["verify", "--data-dir"])
        .arg(data)
        .env("DATABASE_URL", copy.database().url())
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8_lossy(&verified.stdout);
    assert_eq!(verified.status.code(), Some(0), "{printed}");

    let server = copy.start_with(&environment).await;
    let api = server.api("t1", "dev");
    let assets = all(&api, "/media-v2/assets").await;
    let of_dump = assets.len();
    assert!((before..uploaded.load(Ordering::Relaxed)).contains(&of_dump), "{before} {of_dump}");
    for asset in &assets {
        let path = format!("/media-v2/assets/{}", asset["id"].as_str().unwrap());
        let content = api.get(&format!("{path}/content")).await;
        assert_eq!((content.status, content.body.len() as u64), (200, asset["size_bytes"].as_u64().unwrap()));
        for artifact in all(&api, &format!("{path}/artifacts")).await {
            let id = artifact["id"].as_str().unwrap();
            assert_eq!(api.get(&format!("/media-v2/artifacts/{id}/content")).await.status, 200, "{artifact}");
        }
    }
    assert_eq!(api.get(&timeline).await.ok(), timeline_of_original);
    let again = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    assert_eq!(again["meta"]["cache_hit"], true);
    // The restored service works as any other.
    let _ = api.upload_bytes("new.bin", b"new".to_vec(), &[]).await.ok();
    server.stop().await;
}
