//! Answers while the database or the blob store fails, and recovery afterwards.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use db::local::{Cluster, Durability, ServerBinaries};
use e2e::{Api, Deployment, Reply};
use reqwest::Method;
use serde_json::json;
use test_kit::wait_for;

/// Repeats a GET until the answer has this status.
async fn until(api: &Api, path: &str, status: u16) -> Reply {
    wait_for(Duration::from_secs(30), async || {
        let reply = api.get(path).await;
        if reply.status == status {
            return Ok(reply);
        }
        Err(format!("{path}: {} {}", reply.status, reply.text()))
    })
    .await
}

async fn start_cluster(directory: &Path) -> Cluster {
    let directory = directory.to_owned();
    let start = move || {
        Cluster::start(&ServerBinaries::find(&[]).unwrap(), &directory.join("pg"), Durability::None).unwrap()
    };
    tokio::task::spawn_blocking(start).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn database_outage_is_reported_at_once_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let cluster = start_cluster(directory.path()).await;
    let sockets = directory.path().canonicalize().unwrap().join("pg/run");
    let url = format!("postgres://harkback@{}/postgres", sockets.to_str().unwrap().replace('/', "%2F"));
    let deployment = Deployment::new().await;
    let server = deployment.start_with(&[("DATABASE_URL", &url)]).await;
    let api = server.api("t1", "dev");
    assert_eq!(api.get("/media-v2/assets").await.status, 200);
    let environment = [("DATABASE_URL", url.as_str()), ("HARKBACK_AUTH", "keys")];
    let guarded = deployment.start_with(&environment).await;
    let keyed = guarded.api("t1", "dev");

    tokio::task::spawn_blocking(move || drop(cluster)).await.unwrap();
    until(&api, "/readyz", 503).await.problem(503, "database_unavailable");
    until(&keyed, "/readyz", 503).await.problem(503, "database_unavailable");
    for _ in 0..3 {
        let began = Instant::now();
        let reply = api.get("/media-v2/assets").await;
        reply.problem(503, "database_unavailable");
        assert!(reply.header("retry-after").is_some() && began.elapsed() < Duration::from_secs(1));
        // No layer queries the database before it is known to be away, neither for the caller nor for the key.
        let request = api.request(Method::POST, "/video/projects").header("idempotency-key", "k1");
        let began = Instant::now();
        api.send(request.json(&json!({"title": "a"}))).await.problem(503, "database_unavailable");
        let request = keyed.request(Method::GET, "/media-v2/assets").bearer_auth("no key");
        keyed.send(request).await.problem(503, "database_unavailable");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        let began = Instant::now();
        api.get("/readyz").await.problem(503, "database_unavailable");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
    for path in ["/healthz", "/metrics", "/openapi.json", "/docs/"] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }

    let cluster = start_cluster(directory.path()).await;
    until(&api, "/readyz", 200).await;
    let _ = api.post("/video/projects", &json!({"title": "a"})).await.ok();
    server.stop().await;
    guarded.stop().await;
    tokio::task::spawn_blocking(move || drop(cluster)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_for_long_held_locks_time_out() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let mut other = deployment.database().pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE video_projects").execute(&mut *other).await.unwrap();
    let reply = server.api("t1", "dev").post("/video/projects", &json!({"title": "a"})).await;
    reply.problem(503, "database_unavailable");
    assert!(reply.header("retry-after").is_some());
    other.rollback().await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_served_with_a_warning() {
    let deployment = Deployment::new().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of a later version', true, '', 0)",
    )
    .execute(&deployment.database().pool)
    .await
    .unwrap();
    let server = deployment.start().await;
    // The reasons may list parts that are still being checked.
    let _ = server.api("t1", "dev").get("/readyz").await.ok();
    assert_eq!(server.api("t1", "dev").get("/media-v2/assets").await.status, 200);
    let log = server.stop().await;
    assert!(log.contains("the database was migrated by a newer version of harkback"), "{log}");
    assert!(log.contains("9999"), "the log names the newest migration:\n{log}");
}

/// A temporary file system, unmounted when dropped.
struct Mount(tempfile::TempDir);

impl Mount {
    /// `None`, reported on standard error, for a user without permission to mount.
    fn new(options: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mount = Self(directory);
        if mount.run("mount", &["-t", "tmpfs", "-o", options, "tmpfs"]) {
            return Some(mount);
        }
        e2e::skipped("only root can mount a small file system");
        None
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let status = Command::new(program)
            .args(arguments)
            .arg(self.0.path())
            .stderr(std::process::Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    fn url(&self) -> String {
        format!("file://{}/blobs", self.0.path().display())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.run("umount", &["-l"]);
    }
}

fn refused(reply: &Reply, status: u16, code: &str) {
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
    std::fs::write(disk.0.path().join("filler"), vec![0; 8 << 20]).unwrap_err();
    refused(&api.upload_bytes("c.bin", vec![3; 100_000], &[]).await, 507, "storage_full");
    let content = format!("/media-v2/assets/{}/content", kept["id"].as_str().unwrap());
    assert_eq!(api.get(&content).await.body, vec![1; 1_000]);
    assert_eq!(api.get("/media-v2/assets").await.ok()["items"].as_array().unwrap().len(), 1);
    wait_for(Duration::from_secs(30), async || {
        let ready = api.get("/readyz").await.ok();
        if ready["status"] == "degraded" { Ok(()) } else { Err(ready) }
    })
    .await;
    std::fs::remove_file(disk.0.path().join("filler")).unwrap();
    let _ = api.upload_bytes("c.bin", vec![3; 100_000], &[]).await.ok();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_inodes_and_a_read_only_disk_are_reported() {
    let Some(disk) = Mount::new("size=4m,nr_inodes=12") else { return };
    let server = Deployment::new().await.start_with(&[("HARKBACK_STORAGE_URL", &disk.url())]).await;
    let api = server.api("t1", "dev");
    let mut filler = 0;
    while std::fs::write(disk.0.path().join(format!("filler-{filler}")), b"").is_ok() {
        filler += 1;
    }
    refused(&api.upload_bytes("a.bin", vec![1; 1_000], &[]).await, 507, "storage_full");
    assert!(disk.run("mount", &["-o", "remount,ro"]));
    refused(&api.upload_bytes("a.bin", vec![1; 1_000], &[]).await, 503, "storage_unavailable");
    until(&api, "/readyz", 503).await.problem(503, "storage_unavailable");
    assert!(disk.run("mount", &["-o", "remount,rw"]));
    std::fs::remove_file(disk.0.path().join("filler-0")).unwrap();
    std::fs::remove_file(disk.0.path().join("filler-1")).unwrap();
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
