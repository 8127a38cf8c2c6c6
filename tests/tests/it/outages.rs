//! Answers while the blob store fails, and recovery afterwards.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::{Api, Deployment, Reply};
use reqwest::Method;
use test_kit::wait_for;

/// Repeats a GET until the answer has this status.
pub(crate) async fn until(api: &Api, path: &str, status: u16) -> Reply {
    wait_for(Duration::from_secs(30), async || {
        let reply = api.get(path).await;
        if reply.status == status {
            return Ok(reply);
        }
        Err(format!("{path}: {} {}", reply.status, reply.text()))
    })
    .await
}

/// A temporary file system, unmounted when dropped.
pub(crate) struct Mount(tempfile::TempDir);

impl Mount {
    /// `None`, reported on standard error, for a user without permission to mount.
    pub(crate) fn new(options: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mount = Self(directory);
        if mount.run("mount", &["-t", "tmpfs", "-o", options, "tmpfs"]) {
            return Some(mount);
        }
        e2e::skipped("only root can mount a small file system");
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let status = Command::new(program)
            .args(arguments)
            .arg(self.path())
            .stderr(std::process::Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    fn url(&self) -> String {
        format!("file://{}/blobs", self.path().display())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.run("umount", &["-l"]);
    }
}

/// Checks that a call was refused with this status and code, and with `Retry-After`.
pub(crate) fn refused(reply: &Reply, status: u16, code: &str) {
    reply.problem(status, code);
    assert!(reply.header("retry-after").is_some(), "{:?}", reply.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_is_507_and_stored_bytes_stay_readable() {
    let Some(disk) = Mount::new("size=4m") else { return };
    let server = Deployment::new().await.start_with(&[("HARKBACK_STORAGE_URL", &disk.url())]).await;
    let api = server.api("t1", "dev");
    let kept = api.upload_bytes("a.bin", vec![1; 1_000], &[]).await.ok();
    let large = api.upload_bytes("b.bin", vec![2; 8 << 20], &[]).await;
    refused(&large, 507, "storage_full");
    std::fs::write(disk.path().join("filler"), vec![0; 8 << 20]).unwrap_err();
    refused(&api.upload_bytes("c.bin", vec![3; 100_000], &[]).await, 507, "storage_full");
    let content = format!("/media-v2/assets/{}/content", kept["id"].as_str().unwrap());
    assert_eq!(api.get(&content).await.body, vec![1; 1_000]);
    assert_eq!(api.get("/media-v2/assets").await.ok()["items"].as_array().unwrap().len(), 1);
    wait_for(Duration::from_secs(30), async || {
        let ready = api.get("/readyz").await.ok();
        if ready["status"] == "degraded" { Ok(()) } else { Err(ready) }
    })
    .await;
    std::fs::remove_file(disk.path().join("filler")).unwrap();
    let _ = api.upload_bytes("c.bin", vec![3; 100_000], &[]).await.ok();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_inodes_and_a_read_only_disk_are_reported() {
    let Some(disk) = Mount::new("size=4m,nr_inodes=12") else { return };
    let server = Deployment::new().await.start_with(&[("HARKBACK_STORAGE_URL", &disk.url())]).await;
    let api = server.api("t1", "dev");
    let mut filler = 0;
    while std::fs::write(disk.path().join(format!("filler-{filler}")), b"").is_ok() {
        filler += 1;
    }
    refused(&api.upload_bytes("a.bin", vec![1; 1_000], &[]).await, 507, "storage_full");
    assert!(disk.run("mount", &["-o", "remount,ro"]));
    refused(&api.upload_bytes("a.bin", vec![1; 1_000], &[]).await, 503, "storage_unavailable");
    until(&api, "/readyz", 503).await.problem(503, "storage_unavailable");
    assert!(disk.run("mount", &["-o", "remount,rw"]));
    std::fs::remove_file(disk.path().join("filler-0")).unwrap();
    std::fs::remove_file(disk.path().join("filler-1")).unwrap();
    until(&api, "/readyz", 200).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_store_is_503() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let kept = api.upload_bytes("a.bin", vec![1; 1_000], &[]).await.ok();
    let (blobs, away) = (deployment.data_directory().join("blobs"), deployment.data_directory().join("away"));
    std::fs::rename(&blobs, &away).unwrap();
    refused(&api.upload_bytes("b.bin", vec![2; 1_000], &[]).await, 503, "storage_unavailable");
    until(&api, "/readyz", 503).await.problem(503, "storage_unavailable");
    // The service may have created the directory again.
    let _ = std::fs::remove_dir_all(&blobs);
    std::fs::rename(&away, &blobs).unwrap();
    until(&api, "/readyz", 200).await;
    let content = format!("/media-v2/assets/{}/content", kept["id"].as_str().unwrap());
    assert_eq!(api.send(api.request(Method::GET, &content)).await.status, 200);
    server.stop().await;
}
