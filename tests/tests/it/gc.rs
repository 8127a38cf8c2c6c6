//! Command `harkback gc`: old blobs without a row are removed, and nothing else, while a server runs.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use e2e::{Deployment, binary, media};

const WAVEFORM: &str = "waveform?samples_per_pixel=4096";

async fn gc(deployment: &Deployment, arguments: &[&str]) -> String {
    let output = binary::command([&["gc"], arguments].concat())
        .arg("--data-dir")
        .arg(deployment.data_directory())
        .env("DATABASE_URL", deployment.database().url())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn blobs(deployment: &Deployment) -> Vec<PathBuf> {
    let entries = |path: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let mut blobs: Vec<PathBuf> = entries(&deployment.data_directory().join("blobs/sha256"))
        .iter()
        .flat_map(|path| entries(path))
        .collect();
    blobs.sort();
    blobs
}

/// Sets the age of a file.
#[expect(clippy::disallowed_methods, reason = "the age of a file depends on the wall clock")]
fn age(path: &Path, hours: u64) {
    let written = SystemTime::now() - Duration::from_secs(3_600 * hours);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(written).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn gc_removes_old_blobs_without_a_row() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let content = format!("/media-v2/assets/{}", asset["id"].as_str().unwrap());
    assert_eq!(api.get(&format!("{content}/{WAVEFORM}")).await.status, 200);
    let kept = blobs(&deployment);
    assert_eq!(kept.len(), 3, "the recording, its peaks, and the probe of the process");

    // Simulates an upload whose row was never committed: the row is deleted, the bytes stay.
    assert_eq!(api.upload_bytes("lost", b"lost".to_vec(), &[]).await.status, 201);
    sqlx::query("DELETE FROM media_assets WHERE size_bytes = 4")
        .execute(&deployment.database().pool)
        .await
        .unwrap();
    let lost = blobs(&deployment).into_iter().find(|blob| !kept.contains(blob)).unwrap();
    assert!(
        gc(&deployment, &["--delete"]).await.starts_with("removed: 0 blobs"),
        "a young one may get its row yet"
    );
    blobs(&deployment).iter().for_each(|blob| age(blob, 30));
    assert!(gc(&deployment, &["--delete", "--older-than-hours", "48"]).await.starts_with("removed: 0 blobs"));
    assert!(gc(&deployment, &[]).await.starts_with("found: 1 blobs without a row, 4 bytes"));
    assert!(lost.exists(), "nothing is removed unless asked for");

    // An upload of the same bytes reuses the blob and renews its age.
    assert_eq!(api.upload_bytes("lost", b"lost".to_vec(), &[]).await.status, 201);
    sqlx::query("DELETE FROM media_assets WHERE size_bytes = 4")
        .execute(&deployment.database().pool)
        .await
        .unwrap();
    assert!(gc(&deployment, &["--delete"]).await.starts_with("removed: 0 blobs"));
    age(&lost, 30);
    assert!(gc(&deployment, &["--delete"]).await.starts_with("removed: 1 blobs without a row, 4 bytes"));
    assert_eq!(blobs(&deployment), kept);

    // Waveforms are a cache: their rows are deleted, then their blobs, and they are computed again on request.
    sqlx::query("UPDATE waveforms SET created_at = created_at - interval '30 hours'")
        .execute(&deployment.database().pool)
        .await
        .unwrap();
    let printed = gc(&deployment, &["--delete", "--waveforms"]).await;
    assert!(printed.contains("0 blobs") && printed.contains("1 kept waveforms"), "{printed}");
    assert!(gc(&deployment, &["--delete"]).await.starts_with("removed: 1 blobs"));
    assert_eq!(api.get(&format!("{content}/{WAVEFORM}")).await.status, 200);
    assert_eq!(api.get(&format!("{content}/content")).await.status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gc_refuses_the_store_of_another_database() {
    let (deployment, other) = (Deployment::new().await, Deployment::new().await);
    let server = deployment.start().await;
    assert_eq!(server.api("t1", "dev").upload_bytes("a", b"bytes".to_vec(), &[]).await.status, 201);
    server.stop().await;
    blobs(&deployment).iter().for_each(|blob| age(blob, 30));
    let output = binary::command(["gc", "--delete", "--data-dir"])
        .arg(deployment.data_directory())
        .env("DATABASE_URL", other.database().url())
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("different installations"));
    assert_eq!(blobs(&deployment).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn gc_creates_nothing_in_an_unused_directory() {
    let deployment = Deployment::new().await;
    let unused = deployment.data_directory().join("unused");
    let run = async |url: &str| {
        let mut command = binary::command(["gc", "--data-dir"]);
        let output = command.arg(&unused).env("DATABASE_URL", url).output().await.unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let printed = run("").await;
    assert!(printed.contains(&format!("there is no harkback data in {}", unused.display())), "{printed}");
    assert!(!unused.exists());

    sqlx::query("DROP TABLE _sqlx_migrations").execute(&deployment.database().pool).await.unwrap();
    let printed = run(&deployment.database().url()).await;
    assert!(printed.contains("run `harkback migrate` first"), "{printed}");
    assert!(!unused.exists());
}
