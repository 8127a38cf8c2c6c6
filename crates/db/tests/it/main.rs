//! The private cluster, against the system's real server binaries.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed step fails the test")]

use std::path::Path;

use db::local::{Cluster, ClusterError, Durability, ServerBinaries};
use sqlx::{Connection, PgConnection};

fn start(directory: &Path) -> Result<Cluster, ClusterError> {
    let binaries = ServerBinaries::find(&[]).expect("tests need Postgres: apt-get install postgresql");
    Cluster::start(&binaries, directory, Durability::None)
}

async fn count(cluster: &Cluster, statement: &'static str) -> i64 {
    let mut connection = PgConnection::connect_with(&cluster.connect_options("postgres")).await.unwrap();
    sqlx::query_scalar(statement).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn data_outlives_a_restart_and_a_second_start_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    // The cluster's user must be able to pass through when the tests run as root.
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

#[test]
fn a_directory_closed_to_the_clusters_user_is_named() {
    // The question only comes up for root, who runs the server as another user.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    assert!(matches!(start(&directory.path().join("pg")), Err(ClusterError::Unreachable(_))));
}
