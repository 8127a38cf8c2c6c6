//! The private cluster, against the system's real server binaries.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed step fails the test")]

mod tls;

use std::future::Future;
use std::path::Path;
use std::task::Poll;

use db::local::{Cluster, ClusterError, Durability, ServerBinaries};
use sqlx::{Connection, Executor, PgConnection};

fn start(directory: &Path) -> Result<Cluster, ClusterError> {
    let binaries = ServerBinaries::find(&[]).expect("tests need Postgres: apt-get install postgresql");
    Cluster::start(&binaries, directory, Durability::None)
}

async fn count(cluster: &Cluster, statement: &'static str) -> i64 {
    let mut connection = PgConnection::connect_with(&cluster.connect_options("postgres")).await.unwrap();
    sqlx::query_scalar(statement).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn data_survives_a_restart_and_a_second_start_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    // The cluster's user must be able to traverse the directory when the tests run as root.
    let home = directory.path().join("pg");
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();

    assert!(!Cluster::exists(&home));
    let cluster = start(&home).unwrap();
    assert!(Cluster::exists(&home));
    let made = count(&cluster, "WITH made AS (SELECT lo_create(4711)) SELECT count(*) FROM made").await;
    assert_eq!(made, 1);
    assert!(matches!(start(&home), Err(ClusterError::InUse(_))));

    drop(cluster);
    assert!(!home.join("data/postmaster.pid").exists(), "the server outlived its handle");
    let cluster = start(&home).unwrap();
    let kept = count(&cluster, "SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 4711").await;
    assert_eq!(kept, 1);
}

fn open_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    directory
}

fn postmaster(home: &Path) -> rustix::process::Pid {
    let text = std::fs::read_to_string(home.join("data/postmaster.pid")).unwrap();
    rustix::process::Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn failed_migration_keeps_the_time_limits_of_the_pool() {
    let database = db::testing::TestDatabase::create().await;
    let pool = db::connect(database.url().parse().unwrap(), 1).await.unwrap();
    let edit = sqlx::query("UPDATE _sqlx_migrations SET checksum = '\\x00'");
    edit.execute(&pool).await.unwrap();
    db::migrate(&pool).await.unwrap_err();
    let limit: String = sqlx::query_scalar("SHOW statement_timeout").fetch_one(&pool).await.unwrap();
    assert_eq!(limit, "1min");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_dies_is_restarted() {
    let directory = open_directory();
    let home = directory.path().join("pg");
    let cluster = start(&home).unwrap();
    let first = postmaster(&home);
    rustix::process::kill_process(first, rustix::process::Signal::KILL).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let options = cluster.connect_options("postgres");
        if PgConnection::connect_with(&options).await.is_ok() && postmaster(&home) != first {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "it was not started again");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(!cluster.has_failed());
    drop(cluster);
    assert!(!home.join("data/postmaster.pid").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_restart_of_the_server_is_retried() {
    let directory = open_directory();
    let home = directory.path().join("pg");
    let cluster = start(&home).unwrap();
    let (settings, away) = (home.join("data/postgresql.conf"), home.join("data/postgresql.conf.away"));
    std::fs::rename(&settings, &away).unwrap();
    rustix::process::kill_process(postmaster(&home), rustix::process::Signal::KILL).unwrap();
    let log = || std::fs::read_to_string(home.join("postgres.log")).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !log().contains("postgresql.conf") {
        assert!(std::time::Instant::now() < deadline, "it was not started again: {}", log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    std::fs::rename(&away, &settings).unwrap();
    let options = cluster.connect_options("postgres");
    while PgConnection::connect_with(&options).await.is_err() {
        assert!(!cluster.has_failed() && std::time::Instant::now() < deadline, "it was given up: {}", log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[test]
fn start_succeeds_after_a_crash() {
    let directory = open_directory();
    let home = directory.path().join("pg");
    // The state after a first start that was killed during `initdb`.
    std::fs::create_dir_all(home.join("data.new/base")).unwrap();
    std::fs::write(home.join("data.new/PG_VERSION"), "1").unwrap();
    drop(start(&home).unwrap());
    for stale in ["", "1\n/nowhere\n"] {
        std::fs::write(home.join("data/postmaster.pid"), stale).unwrap();
        let began = std::time::Instant::now();
        drop(start(&home).unwrap());
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{stale:?}: {:?}", began.elapsed());
    }
}

#[test]
fn unreachable_data_directory_is_reported() {
    // Only root runs the server as another user.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    assert!(matches!(start(&directory.path().join("pg")), Err(ClusterError::Unreachable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn write_after_a_dropped_begin_is_committed() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let cluster = start(&directory.path().join("pg")).unwrap();
    let pool = db::connect(cluster.connect_options("postgres"), 1).await.unwrap();
    pool.execute("CREATE TABLE kept (id integer)").await.unwrap();
    let process =
        async || sqlx::query_scalar::<_, i32>("SELECT pg_backend_pid()").fetch_one(&pool).await.unwrap();
    let first = process().await;
    for _ in 0..100 {
        assert_eq!(process().await, first, "a connection without a transaction is kept");
    }
    for id in 0..40 {
        {
            // Dropped after each number of answers of the server.
            let mut begin = std::pin::pin!(pool.begin());
            let mut answers = 0;
            std::future::poll_fn(|context| match begin.as_mut().poll(context) {
                Poll::Pending if answers < id % 4 => {
                    answers += 1;
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            })
            .await;
        }
        sqlx::query("INSERT INTO kept VALUES ($1)").bind(id).execute(&pool).await.unwrap();
    }
    assert_eq!(count(&cluster, "SELECT count(*) FROM kept").await, 40);
}
