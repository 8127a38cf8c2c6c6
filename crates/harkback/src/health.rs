//! Health checks of the database and the blob store in the background: `GET /readyz` does not wait, and calls fail at
//! once while the database is away instead of each waiting for a connection.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use blob_store::BlobStore;
use http_kit::Problem;
use http_kit::codes::DATABASE_UNAVAILABLE;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::watch;
use tokio::time::timeout;

/// Timeout of a check of the database, and the interval of checks, after a success and after a failure.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(1);
const DATABASE_PERIOD: Duration = Duration::from_secs(1);
const DATABASE_RETRY: Duration = Duration::from_millis(250);
/// A server under load may miss an answer; one that refuses connections is away at once.
const MISSED_ANSWERS: u32 = 3;
const TOO_MANY_CONNECTIONS: &str = "53300";
/// Timeout and intervals of checks of the blob store, which may be remote.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);
const STORE_PERIOD: Duration = Duration::from_secs(10);
const STORE_RETRY: Duration = Duration::from_secs(2);

/// Known state of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseState {
    /// The database answers, with a current schema.
    Up,
    /// The database answers, and lacks migrations of this version.
    Outdated,
    /// The database does not answer; the reason is for the log.
    Down(String),
}

/// Known state of the blob store.
#[derive(Clone, Debug)]
pub(crate) enum StoreState {
    /// The store writes and reads bytes.
    Up,
    /// The store fails; the problem of calls that need it.
    Down(Problem),
}

/// Health of the database and the blob store. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    database: watch::Receiver<DatabaseState>,
    store: watch::Receiver<StoreState>,
}

impl Health {
    /// Checks both once, then starts tasks that repeat the checks.
    pub(crate) async fn watch(options: PgConnectOptions, blobs: BlobStore) -> Self {
        let mut database = DatabaseCheck::new(options);
        let unknown = DatabaseState::Down("not checked yet".to_owned());
        let (database_state, store_state) = tokio::join!(database.run(&unknown), check_store(&blobs));
        let (database_sender, database_state) = watch::channel(database_state);
        let (store_sender, store_state) = watch::channel(store_state);
        tokio::spawn(async move {
            loop {
                let known = database_sender.borrow().clone();
                let is_up = known == DatabaseState::Up;
                tokio::time::sleep(if is_up { DATABASE_PERIOD } else { DATABASE_RETRY }).await;
                let state = database.run(&known).await;
                database_sender.send_if_modified(|known| replace_database(known, state));
            }
        });
        tokio::spawn(async move {
            loop {
                let is_up = matches!(*store_sender.borrow(), StoreState::Up);
                tokio::time::sleep(if is_up { STORE_PERIOD } else { STORE_RETRY }).await;
                let state = check_store(&blobs).await;
                store_sender.send_modify(|known| *known = state);
            }
        });
        Self { database: database_state, store: store_state }
    }

    pub(crate) fn database(&self) -> DatabaseState {
        self.database.borrow().clone()
    }

    pub(crate) fn store(&self) -> StoreState {
        self.store.borrow().clone()
    }
}

fn replace_database(known: &mut DatabaseState, state: DatabaseState) -> bool {
    if *known == state {
        return false;
    }
    match &state {
        DatabaseState::Down(reason) => tracing::warn!(reason, "the database does not answer"),
        DatabaseState::Up => tracing::info!("the database answers again"),
        DatabaseState::Outdated => tracing::warn!("the database lacks migrations of this version"),
    }
    *known = state;
    true
}

/// Checks the database on a connection of its own, because those of the pool may all be in use.
struct DatabaseCheck {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    missed: u32,
}

impl DatabaseCheck {
    const fn new(options: PgConnectOptions) -> Self {
        Self { options, connection: None, missed: 0 }
    }

    /// Checks the state; a single missed answer keeps `known`, the last state.
    async fn run(&mut self, known: &DatabaseState) -> DatabaseState {
        let answer = timeout(DATABASE_TIMEOUT, self.ask()).await;
        self.missed = if answer.is_ok() { 0 } else { self.missed + 1 };
        match answer {
            Ok(Ok(true)) => DatabaseState::Up,
            Ok(Ok(false)) => DatabaseState::Outdated,
            // It answers existing connections; the state of its schema is unknown.
            Ok(Err(sqlx::Error::Database(error)))
                if error.code().as_deref() == Some(TOO_MANY_CONNECTIONS) =>
            {
                if *known == DatabaseState::Outdated { DatabaseState::Outdated } else { DatabaseState::Up }
            }
            Ok(Err(error)) => {
                self.connection = None;
                DatabaseState::Down(error.to_string())
            }
            Err(_) => {
                self.connection = None;
                if self.missed < MISSED_ANSWERS {
                    known.clone()
                } else {
                    DatabaseState::Down("no answer in time".to_owned())
                }
            }
        }
    }

    async fn ask(&mut self) -> sqlx::Result<bool> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        let connection = self.connection.insert(connection);
        connection.ping().await?;
        db::is_migrated(connection).await
    }
}

async fn check_store(blobs: &BlobStore) -> StoreState {
    match timeout(STORE_TIMEOUT, blobs.check()).await {
        Ok(Ok(())) => StoreState::Up,
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the blob store fails");
            StoreState::Down(Problem::storage(error))
        }
        Err(elapsed) => StoreState::Down(Problem::storage(elapsed)),
    }
}

/// The problem of a call that needs a database that is away.
pub(crate) fn database_unavailable() -> Problem {
    Problem::new(DATABASE_UNAVAILABLE, "the database does not answer").retry_after(2)
}

/// Answers 503 at once while the database is away, except on routes that do not need it.
pub(crate) async fn breaker(State(health): State<Health>, request: Request, next: Next) -> Response {
    let is_away = matches!(*health.database.borrow(), DatabaseState::Down(_));
    if is_away && !is_operational(request.uri().path()) {
        return database_unavailable().into_response();
    }
    next.run(request).await
}

/// Whether a route needs no database: probes, metrics, the documents and the files of the page.
pub(crate) fn is_operational(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics" | "/openapi.json" | "/docs" | "/app" | "/")
        || path.starts_with("/docs/")
        || path.starts_with("/app/")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that accepts connections and sends nothing.
    async fn silent() -> (tokio::net::TcpListener, DatabaseCheck) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).username("a");
        (listener, DatabaseCheck::new(options))
    }

    #[tokio::test]
    async fn database_is_down_after_three_missed_answers() {
        let (_listener, mut check) = silent().await;
        let down = DatabaseState::Down("it was away".to_owned());
        assert_eq!(check.run(&down).await, down, "an unanswered check keeps the state");
        assert_eq!(check.run(&DatabaseState::Outdated).await, DatabaseState::Outdated);
        let gone = check.run(&DatabaseState::Up).await;
        assert_eq!(gone, DatabaseState::Down("no answer in time".to_owned()), "the third in a row");
    }

    #[tokio::test]
    async fn database_that_never_answered_is_down() {
        let (listener, check) = silent().await;
        let directory = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open_directory(directory.path()).unwrap();
        let health = Health::watch(check.options, blobs).await;
        assert!(matches!(health.database(), DatabaseState::Down(_)));
        assert!(matches!(health.store(), StoreState::Up));
        drop(listener);
    }
}
