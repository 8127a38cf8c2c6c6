use std::io;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::time::{Instant, sleep, timeout};

/// Time that a server may take to start, and a pool to provide a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(200);

/// Why a connection to a database failed.
#[derive(Debug, thiserror::Error)]
#[error("no connection to {address}: {cause}")]
pub struct ConnectError {
    /// The database, its server and the user; never the password.
    address: String,
    /// What went wrong. Not a `source`: its own text already includes its sources.
    cause: sqlx::Error,
}

/// Time limits of a request's statement, and of its wait for a lock.
const STATEMENT_TIMEOUT: &str = "60s";
const LOCK_TIMEOUT: &str = "10s";

/// Opens a pool of at most `max_connections` for requests, and checks that the database answers. A server that is
/// starting gets ten seconds; errors that a retry cannot fix are returned at once. Statements time out after a minute,
/// waits for a lock after ten seconds.
///
/// # Errors
/// When the first connection cannot be made.
pub async fn connect(options: PgConnectOptions, max_connections: u32) -> Result<PgPool, ConnectError> {
    connect_for_maintenance(for_requests(options), max_connections).await
}

/// Connection options with time limits for statements.
#[must_use]
pub fn for_requests(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("harkback").options([
        ("statement_timeout", STATEMENT_TIMEOUT),
        ("lock_timeout", LOCK_TIMEOUT),
        ("idle_in_transaction_session_timeout", STATEMENT_TIMEOUT),
    ])
}

/// As [`connect`], but without statement timeouts: for operators' commands.
///
/// # Errors
/// When the first connection cannot be made.
pub async fn connect_for_maintenance(
    options: PgConnectOptions,
    max_connections: u32,
) -> Result<PgPool, ConnectError> {
    let options = options.application_name("harkback");
    let failed = |cause| ConnectError { address: address(&options), cause };
    wait_for_server(&options).await.map_err(failed)?;
    pool_options()
        .max_connections(max_connections)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_with(options.clone())
        .await
        .map_err(failed)
}

/// Options of a pool whose connections return without an open transaction.
///
/// A connection keeps its transaction if the future that begins it is dropped before the server answers (sqlx 0.9.0 does
/// not count such a transaction yet, and does not roll it back). The writes of the next caller would be acknowledged, and
/// lost when the connection closes.
pub(crate) fn pool_options() -> PgPoolOptions {
    PgPoolOptions::new().after_release(|connection, _| {
        Box::pin(async move {
            // In a transaction, `now()` is the time of its begin. A simple query is one message, with one time.
            let checked = sqlx::raw_sql("-- db::pool_options\nSELECT now() < statement_timestamp()")
                .fetch_one(connection);
            let is_in_transaction: bool = checked.await?.try_get(0)?;
            if is_in_transaction {
                tracing::warn!("a connection with an open transaction is closed");
            }
            Ok(!is_in_transaction)
        })
    })
}

/// Waits until the server accepts connections. The pool would wait as well, but would not report the cause.
async fn wait_for_server(options: &PgConnectOptions) -> sqlx::Result<()> {
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    let mut is_logged = false;
    loop {
        let error = match attempt(options, deadline).await {
            Ok(connection) => return connection.close().await,
            Err(error) if !may_be_starting(&error) || Instant::now() + POLL >= deadline => return Err(error),
            Err(error) => error,
        };
        if !is_logged {
            tracing::warn!(%error, "waiting for {}", address(options));
            is_logged = true;
        }
        sleep(POLL).await;
    }
}

async fn attempt(options: &PgConnectOptions, deadline: Instant) -> sqlx::Result<PgConnection> {
    let left = deadline.saturating_duration_since(Instant::now());
    match timeout(left, options.connect()).await {
        Ok(outcome) => outcome,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer").into()),
    }
}

/// True when the connection is refused (no listener yet), or when Postgres reports that it is starting.
fn may_be_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}

fn address(options: &PgConnectOptions) -> String {
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    match options.get_socket() {
        Some(socket) => format!("database `{database}` at {} as user `{user}`", socket.display()),
        None => {
            let (host, port) = (options.get_host(), options.get_port());
            format!("database `{database}` at {host}:{port} as user `{user}`")
        }
    }
}
