//! `harkback gc`: what no row refers to goes, once it is old; nothing else, beside a running server.

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

/// As if it had been written then.
#[expect(clippy::disallowed_methods, reason = "the age of a file is told by the wall clock")]
fn age(path: &Path, hours: u64) {
    let written = SystemTime::now() - Duration::from_secs(3_600 * hours);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(written).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_without_a_row_go_when_they_are_old() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let content = format!("/media-v2/assets/{}", asset["id"].as_str().unwrap());
    assert_eq!(api.get(&format!("{content}/{WAVEFORM}")).await.status, 200);
    let kept = blobs(&deployment);
    assert_eq!(kept.len(), 3, "the recording, its peaks, and the probe of the process");

    // An upload whose row was never written: the row goes, the bytes stay.
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

    // The same bytes come again, and take over what is there: it is young again.
    assert_eq!(api.upload_bytes("lost", b"lost".to_vec(), &[]).await.status, 201);
    sqlx::query("DELETE FROM media_assets WHERE size_bytes = 4")
        .execute(&deployment.database().pool)
        .await
        .unwrap();
    assert!(gc(&deployment, &["--delete"]).await.starts_with("removed: 0 blobs"));
    age(&lost, 30);
    assert!(gc(&deployment, &["--delete"]).await.starts_with("removed: 1 blobs without a row, 4 bytes"));
    assert_eq!(blobs(&deployment), kept);

    // Peaks are a cache: forgotten, then removed, and computed anew when asked for.
    sqlx::query("UPDATE waveforms SET created_at = created_at - interval '30 hours'")
        .execute(&deployment.database().pool)
        .await
        .unwrap();
    let told = gc(&deployment, &["--delete", "--waveforms"]).await;
    assert!(told.contains("0 blobs") && told.contains("1 kept waveforms"), "{told}");
    assert!(gc(&deployment, &["--delete"]).await.starts_with("removed: 1 blobs"));
    assert_eq!(api.get(&format!("{content}/{WAVEFORM}")).await.status, 200);
    assert_eq!(api.get(&format!("{content}/content")).await.status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_beside_another_database_is_left_alone() {
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
    assert!(String::from_utf8_lossy(&output.stderr).contains("not of the same installation"));
    assert_eq!(blobs(&deployment).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_where_harkback_never_ran() {
    let deployment = Deployment::new().await;
    let unused = deployment.data_directory().join("unused");
    let run = async |url: &str| {
        let mut command = binary::command(["gc", "--data-dir"]);
        let output = command.arg(&unused).env("DATABASE_URL", url).output().await.unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let told = run("").await;
    assert!(told.contains(&format!("there is no harkback data in {}", unused.display())), "{told}");
    assert!(!unused.exists());

    sqlx::query("DROP TABLE _sqlx_migrations").execute(&deployment.database().pool).await.unwrap();
    let told = run(&deployment.database().url()).await;
    assert!(told.contains("run `harkback migrate` first"), "{told}");
    assert!(!unused.exists());
}
