//! Answers while the database fails (stopped, frozen, locked, on a full disk), and recovery afterwards.

use std::fs::DirEntry;
use std::path::Path;
use std::time::{Duration, Instant};

use db::local::{Cluster, Durability, ServerBinaries};
use e2e::{Deployment, Reply, media};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use test_kit::wait_for;

use crate::analysis::ANALYZE;
use crate::jobs::later;
use crate::outages::{Mount, refused, until};

/// A directory that the user of a cluster can traverse.
fn open_directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    directory
}

/// Starts a private cluster in `directory/pg`.
async fn start_cluster(directory: &Path) -> Cluster {
    let directory = directory.to_owned();
    let start = move || {
        Cluster::start(&ServerBinaries::find(&[]).unwrap(), &directory.join("pg"), Durability::None).unwrap()
    };
    tokio::task::spawn_blocking(start).await.unwrap()
}

async fn stop(cluster: Cluster) {
    tokio::task::spawn_blocking(move || drop(cluster)).await.unwrap();
}

/// `DATABASE_URL` of the cluster in `directory`.
fn url_of(directory: &Path) -> String {
    let sockets = directory.canonicalize().unwrap().join("pg/run");
    format!("postgres://harkback@{}/postgres", sockets.to_str().unwrap().replace('/', "%2F"))
}

#[tokio::test(flavor = "multi_thread")]
async fn database_outage_is_reported_at_once_and_ends() {
    let directory = open_directory();
    let cluster = start_cluster(directory.path()).await;
    let url = url_of(directory.path());
    let deployment = Deployment::new().await;
    let server = deployment.start_with(&[("DATABASE_URL", &url)]).await;
    let api = server.api("t1", "dev");
    assert_eq!(api.get("/media-v2/assets").await.status, 200);
    let environment = [("DATABASE_URL", url.as_str()), ("HARKBACK_AUTH", "keys")];
    let guarded = deployment.start_with(&environment).await;
    let keyed = guarded.api("t1", "dev");

    stop(cluster).await;
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
    stop(cluster).await;
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

/// The processes of a Postgres server, stopped by SIGSTOP. Dropping it lets them go on.
struct Frozen(Vec<Pid>);

impl Frozen {
    /// Freezes the cluster in `directory`.
    fn freeze(directory: &Path) -> Self {
        let file = std::fs::read_to_string(directory.join("pg/data/postmaster.pid")).unwrap();
        let postmaster: i32 = file.lines().next().unwrap().parse().unwrap();
        // The postmaster first, so that it starts no further process.
        let mut frozen = Self(Pid::from_raw(postmaster).into_iter().collect());
        frozen.send(Signal::STOP);
        frozen.0.extend(children(postmaster));
        frozen.send(Signal::STOP);
        frozen
    }

    fn send(&self, signal: Signal) {
        for pid in &self.0 {
            // An error means that the process has ended.
            let _ = kill_process(*pid, signal);
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.send(Signal::CONT);
    }
}

fn children(parent: i32) -> impl Iterator<Item = Pid> {
    let child = move |entry: DirEntry| {
        let id: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // `ID (NAME) STATE PARENT …`; the name may have parentheses.
        let its_parent: i32 = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        if its_parent == parent { Pid::from_raw(id) } else { None }
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(child)
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_database_is_503_within_the_time_limits_and_work_goes_on_afterwards() {
    let directory = open_directory();
    let cluster = start_cluster(directory.path()).await;
    let url = url_of(directory.path());
    let server = Deployment::new().await.start_with(&[("DATABASE_URL", &url)]).await;
    let api = server.api("t1", "dev");
    let project = api.post("/video/projects", &json!({"title": "before"})).await.id();

    let frozen = Frozen::freeze(directory.path());
    // Not noticed yet: each call waits for a connection, at most ten seconds.
    let calls = ["GET", "POST", "GET", "POST"].map(|method| {
        let api = api.clone();
        tokio::spawn(async move {
            let began = Instant::now();
            let reply = match method {
                "GET" => api.get("/media-v2/assets").await,
                _ => api.post("/video/projects", &json!({"title": "during"})).await,
            };
            (reply, began.elapsed())
        })
    });
    for call in calls {
        let (reply, took) = call.await.unwrap();
        refused(&reply, 503, "database_unavailable");
        assert!(took < Duration::from_secs(15), "{took:?}");
    }
    until(&api, "/readyz", 503).await.problem(503, "database_unavailable");
    for _ in 0..3 {
        let began = Instant::now();
        refused(&api.get("/media-v2/assets").await, 503, "database_unavailable");
        assert_eq!(api.get("/healthz").await.status, 200);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }

    drop(frozen);
    until(&api, "/readyz", 200).await;
    assert_eq!(api.get(&format!("/video/projects/{project}")).await.ok()["title"], "before");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let _ = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    server.stop().await;
    stop(cluster).await;
}

/// Text that Postgres does not compress, shorter than the limit of `meta`.
fn noise(seed: u64) -> String {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'0' + (state >> 58) as u8)
    };
    (0..40_000).map(|_| next()).collect()
}

/// Whether a call was refused because the database has no space, or is starting again after it had none.
fn is_refused(reply: &Reply) -> bool {
    match reply.status {
        200..300 => return false,
        507 => refused(reply, 507, "storage_full"),
        _ => refused(reply, 503, "database_unavailable"),
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn database_on_a_full_disk_is_507_or_503_and_recovers() {
    let Some(disk) = Mount::new("size=192m") else { return };
    let cluster = start_cluster(disk.path()).await;
    let url = url_of(disk.path());
    let server = Deployment::new().await.start_with(&[("DATABASE_URL", &url)]).await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("click_120bpm.wav")).await;
    let large = |seed| json!({"title": "large", "meta": {"noise": noise(seed)}});
    let project = api.post("/video/projects", &large(0)).await.id();

    let filler = disk.path().join("filler");
    std::fs::write(&filler, vec![0; 192 << 20]).unwrap_err();
    let mut refusals = 0;
    for seed in 1..=20 {
        let written = api.post("/video/projects", &large(seed)).await;
        let uploaded = api.upload_bytes("a.bin", vec![1; 1_000], &[]).await;
        let analysis = json!({"asset_id": asset["id"], "min_silence_ms": 200 + seed});
        let accepted = later(&api, ANALYZE, &analysis, 0).await;
        refusals += [written, uploaded, accepted].iter().filter(|reply| is_refused(reply)).count();
        is_refused(&api.get(&format!("/video/projects/{project}")).await);
    }
    assert!(refusals > 0, "the disk is not full");

    std::fs::remove_file(&filler).unwrap();
    wait_for(Duration::from_secs(60), async || {
        let reply = api.post("/video/projects", &large(100)).await;
        if reply.status == 201 { Ok(()) } else { Err(reply.text()) }
    })
    .await;
    until(&api, "/readyz", 200).await;
    assert_eq!(api.get(&format!("/video/projects/{project}")).await.ok()["title"], "large");
    let _ = api.post(ANALYZE, &json!({"asset_id": asset["id"], "min_silence_ms": 500})).await.ok();
    server.stop().await;
    stop(cluster).await;
}
