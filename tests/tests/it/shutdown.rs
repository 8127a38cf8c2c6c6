//! Shutdown of the service, and recovery from failures of its private Postgres.

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::{Api, Deployment, Reply};
use reqwest::Method;
use rustix::process::{Pid, Signal};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;
use tokio::task::JoinHandle;

/// A call that waits for a lock held by another transaction.
async fn waiting_call(
    deployment: &Deployment,
    api: &Api,
) -> (Transaction<'static, Postgres>, JoinHandle<Reply>) {
    let mut other = deployment.database().pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE video_projects").execute(&mut *other).await.unwrap();
    let api = api.clone();
    let call = tokio::spawn(async move { api.post("/video/projects", &json!({"title": "a"})).await });
    let waits =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'video_projects'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut *other).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (other, call)
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_requests_are_answered_before_the_grace_period_ends() {
    let deployment = Deployment::new().await;
    let server = deployment.start_with(&[("HARKBACK_SHUTDOWN_GRACE_S", "3")]).await;
    let (api, address) = (server.api("t1", "dev"), server.base().trim_start_matches("http://").to_owned());
    let (other, call) = waiting_call(&deployment, &api).await;
    let began = Instant::now();
    server.terminate();
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(1), "new work is refused at once");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let reply = call.await.unwrap();
    reply.problem(503, "shutting_down");
    assert!(reply.header("retry-after").is_some());
    let (code, log) = server.ended().await;
    assert!(
        (Duration::from_secs(2)..Duration::from_secs(6)).contains(&began.elapsed()),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(code, Some(3), "{log}");
    other.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn second_signal_stops_the_service_at_once() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let (other, call) = waiting_call(&deployment, &server.api("t1", "dev")).await;
    server.terminate();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!call.is_finished());
    let began = Instant::now();
    server.terminate();
    let (code, log) = server.ended().await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(code, Some(3), "{log}");
    // The database's connections are closed before the process ends: the call may notice that first.
    if let Ok(reply) = call.await {
        assert_eq!(reply.status, 503, "cut off, or refused: {}", reply.text());
    }
    other.rollback().await.unwrap();
}

fn kill_postgres(data: &Path) {
    let pid = std::fs::read_to_string(data.join("postgres/data/postmaster.pid")).unwrap();
    let pid = Pid::from_raw(pid.lines().next().unwrap().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_private_postgres_ends_the_service_with_a_failure() {
    let deployment = Deployment::new().await;
    let data = deployment.data_directory();
    std::fs::set_permissions(data, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let server = deployment.start_with(&[("DATABASE_URL", "")]).await;
    std::fs::remove_file(data.join("postgres/data/postgresql.conf")).unwrap();
    kill_postgres(data);
    let (code, log) = server.ended().await;
    assert_eq!(code, Some(1), "{log}");
    assert_eq!(log.matches("the private Postgres does not start").count(), 6, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_private_postgres_is_restarted() {
    let deployment = Deployment::new().await;
    let data = deployment.data_directory();
    std::fs::set_permissions(data, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let server = deployment.start_with(&[("DATABASE_URL", "")]).await;
    let api = server.api("t1", "dev");
    let made = api.post("/video/projects", &json!({"title": "a"})).await.ok();
    kill_postgres(data);
    let began = Instant::now();
    let path = format!("/video/projects/{}", made["id"].as_str().unwrap());
    loop {
        let reply = api.send(api.request(Method::GET, &path)).await;
        if reply.status == 200 && api.get("/readyz").await.status == 200 {
            break;
        }
        assert!([200, 503].contains(&reply.status), "{}", reply.text());
        assert!(began.elapsed() < Duration::from_secs(40), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = server.stop().await;
    assert!(log.contains("the private Postgres died"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_first_start_can_be_repeated() {
    let deployment = Deployment::new().await;
    let data = deployment.data_directory();
    std::fs::set_permissions(data, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for moment in [100, 400, 900, 1_500] {
        let mut first = e2e::binary::command(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(moment)).await;
        first.kill().await.unwrap();
    }
    let server = deployment.start_with(&[("DATABASE_URL", "")]).await;
    let _ = server.api("t1", "dev").post("/video/projects", &json!({"title": "a"})).await.ok();
    server.stop().await;
}

/// Starts a service that does not become ready.
fn starting(deployment: &Deployment, database_url: &str) -> Child {
    e2e::binary::command(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(deployment.data_directory())
        .env("DATABASE_URL", database_url)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends SIGTERM, and asserts that the process ends at once without a failure.
async fn assert_ends_at_once(mut starting: Child) {
    let pid = Pid::from_raw(starting.id().unwrap().cast_signed()).unwrap();
    let began = Instant::now();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    let status = tokio::time::timeout(Duration::from_secs(20), starting.wait()).await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn signal_while_waiting_for_a_database_ends_the_start() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let deployment = Deployment::new().await;
    let url = format!("postgres://a@{}/a?sslmode=disable", silent.local_addr().unwrap());
    let starting = starting(&deployment, &url);
    let (_connection, _) = silent.accept().await.unwrap();
    assert_ends_at_once(starting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signal_while_creating_a_private_postgres_ends_the_start() {
    let deployment = Deployment::new().await;
    let data = deployment.data_directory();
    std::fs::set_permissions(data, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut starting = starting(&deployment, "");
    let mut log = BufReader::new(starting.stderr.take().unwrap()).lines();
    while let Some(line) = log.next_line().await.unwrap() {
        if line.contains("making a private Postgres cluster") {
            break;
        }
    }
    assert_ends_at_once(starting).await;
    let server = deployment.start_with(&[("DATABASE_URL", "")]).await;
    server.stop().await;
}
