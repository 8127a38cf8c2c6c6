//! A fresh, migrated database per test.
//!
//! The server is the one that `TEST_DATABASE_URL` names (a superuser's URL), else a [`ThrowawayCluster`], started once
//! per test process and stopped with it. `tools/with-postgres.sh` starts one for several processes.

pub mod statements;
mod throwaway;

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::OnceCell;

use crate::connect::pool_options;

pub use throwaway::ThrowawayCluster;

/// A test's own database: removed with its cluster, or kept for inspection under `TEST_DATABASE_URL`.
#[derive(Debug)]
pub struct TestDatabase {
    /// A small pool, because many tests share one server.
    pub pool: PgPool,
    options: PgConnectOptions,
}

struct Server {
    options: PgConnectOptions,
    /// Runs until the process ends.
    _cluster: Option<ThrowawayCluster>,
}

static SERVER: OnceCell<Server> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

impl TestDatabase {
    /// Creates the database as a copy of a template that has every migration.
    ///
    /// # Panics
    /// When no server is available; the message names what to install.
    #[expect(clippy::expect_used, reason = "a test without its database must fail")]
    pub async fn create() -> Self {
        let server = SERVER.get_or_init(start).await;
        let name = format!("t_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let template = template_name();
        execute(&server.options, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        let options = server.options.clone().database(&name);
        let pool = pool_options()
            .max_connections(4)
            .connect_with(options.clone())
            .await
            .expect("connecting to a test database");
        Self { pool, options }
    }

    /// The URL of this database for another process, as the value of `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        url(&self.options)
    }
}

/// The `postgres://` URL of a database. It has no password: throwaway clusters accept every local user.
#[must_use]
pub fn url(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or("postgres");
    let user = options.get_username();
    match options.get_socket() {
        Some(socket) => {
            let socket = socket.display().to_string().replace('/', "%2F");
            format!("postgres://{user}@{socket}/{database}")
        }
        None => format!("postgres://{user}@{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

/// One template per process: processes with different migrations do not share one.
fn template_name() -> String {
    format!("template_{}", std::process::id())
}

#[expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "test set-up; the variable is for tests alone"
)]
async fn start() -> Server {
    let (options, cluster) = match std::env::var("TEST_DATABASE_URL") {
        Ok(url) => (PgConnectOptions::from_str(&url).expect("TEST_DATABASE_URL is a postgres:// URL"), None),
        Err(_) => {
            let started = tokio::task::spawn_blocking(ThrowawayCluster::start).await;
            let cluster = started.expect("starting a cluster").expect("tests need Postgres");
            (cluster.connect_options(), Some(cluster))
        }
    };
    let template = template_name();
    execute(&options, format!("DROP DATABASE IF EXISTS {template}")).await;
    execute(&options, format!("CREATE DATABASE {template}")).await;
    let mut connection = PgConnection::connect_with(&options.clone().database(&template))
        .await
        .expect("connecting to the template");
    crate::MIGRATOR.run(&mut connection).await.expect("migrations apply to an empty database");
    connection.close().await.expect("closing the template");
    Server { options, _cluster: cluster }
}

#[expect(clippy::expect_used, reason = "a test without its database must fail")]
async fn execute(options: &PgConnectOptions, statement: String) {
    let mut connection = PgConnection::connect_with(options).await.expect("connecting to the test server");
    connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("a statement of the test set-up");
    connection.close().await.expect("closing the connection");
}
