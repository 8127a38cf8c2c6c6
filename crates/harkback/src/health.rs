//! Whether the database and the blob store answer, asked all the time: `GET /readyz` waits for nothing, and calls fail at
//! once while the database is away instead of each waiting for a connection.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use blob_store::BlobStore;
use http_kit::Problem;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::operations;

/// How long the database gets to answer, and how often it is asked, while it answers and while it does not.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(1);
const DATABASE_PERIOD: Duration = Duration::from_secs(1);
const DATABASE_RETRY: Duration = Duration::from_millis(250);
/// A server under load may miss an answer; one that refuses connections is away at once.
const MISSED_ANSWERS: u32 = 3;
const TOO_MANY_CONNECTIONS: &str = "53300";
/// The same of the blob store, which may be far away.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);
const STORE_PERIOD: Duration = Duration::from_secs(10);
const STORE_RETRY: Duration = Duration::from_secs(2);

/// What is known of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseState {
    /// It answers.
    Up,
    /// It answers, and lacks migrations of this version.
    Outdated,
    /// It does not answer; why, for the log.
    Down(String),
}

/// What is known of the blob store.
#[derive(Clone, Debug)]
pub(crate) enum StoreState {
    /// It takes bytes and gives them back.
    Up,
    /// It does not; the problem of calls that need it.
    Down(Problem),
}

/// The state of what the service stands on. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    database: watch::Receiver<DatabaseState>,
    store: watch::Receiver<StoreState>,
}

impl Health {
    /// Asks once, then goes on asking in tasks of their own.
    pub(crate) async fn watch(options: PgConnectOptions, blobs: BlobStore) -> Self {
        let mut database = DatabaseCheck::new(options);
        let unknown = DatabaseState::Down("it was not asked yet".to_owned());
        let (database_state, store_state) = tokio::join!(database.run(&unknown), check_store(&blobs));
        let (tell_database, database_state) = watch::channel(database_state);
        let (tell_store, store_state) = watch::channel(store_state);
        tokio::spawn(async move {
            loop {
                let known = tell_database.borrow().clone();
                let is_up = known == DatabaseState::Up;
                tokio::time::sleep(if is_up { DATABASE_PERIOD } else { DATABASE_RETRY }).await;
                let state = database.run(&known).await;
                tell_database.send_if_modified(|known| replace_database(known, state));
            }
        });
        tokio::spawn(async move {
            loop {
                let is_up = matches!(*tell_store.borrow(), StoreState::Up);
                tokio::time::sleep(if is_up { STORE_PERIOD } else { STORE_RETRY }).await;
                let state = check_store(&blobs).await;
                tell_store.send_modify(|known| *known = state);
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

/// Asks on a connection of its own: those of the pool may all be in use.
struct DatabaseCheck {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    missed: u32,
}

impl DatabaseCheck {
    const fn new(options: PgConnectOptions) -> Self {
        Self { options, connection: None, missed: 0 }
    }

    /// The state now; `known` is the last one, which a missed answer does not change.
    async fn run(&mut self, known: &DatabaseState) -> DatabaseState {
        let answer = timeout(DATABASE_TIMEOUT, self.ask()).await;
        self.missed = if answer.is_ok() { 0 } else { self.missed + 1 };
        match answer {
            Ok(Ok(true)) => DatabaseState::Up,
            Ok(Ok(false)) => DatabaseState::Outdated,
            // It answers, to those who have a connection; of its schema nothing is said.
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
    Problem::unavailable("database_unavailable", "the database does not answer", 2)
}

/// Answers 503 at once while the database is away, but for routes that do without.
pub(crate) async fn breaker(State(health): State<Health>, request: Request, next: Next) -> Response {
    let is_away = matches!(*health.database.borrow(), DatabaseState::Down(_));
    if is_away && !operations::is_operational(request.uri().path()) {
        return database_unavailable().into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that accepts connections and says nothing.
    async fn silent() -> (tokio::net::TcpListener, DatabaseCheck) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).username("a");
        (listener, DatabaseCheck::new(options))
    }

    #[tokio::test]
    async fn a_missed_answer_changes_nothing_and_three_do() {
        let (_listener, mut check) = silent().await;
        let down = DatabaseState::Down("it was away".to_owned());
        assert_eq!(check.run(&down).await, down, "an unanswered check keeps the state");
        assert_eq!(check.run(&DatabaseState::Outdated).await, DatabaseState::Outdated);
        let gone = check.run(&DatabaseState::Up).await;
        assert_eq!(gone, DatabaseState::Down("no answer in time".to_owned()), "the third in a row");
    }

    #[tokio::test]
    async fn a_database_that_never_answered_is_away() {
        let (listener, check) = silent().await;
        let directory = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open_directory(directory.path()).unwrap();
        let health = Health::watch(check.options, blobs).await;
        assert!(matches!(health.database(), DatabaseState::Down(_)));
        assert!(matches!(health.store(), StoreState::Up));
        drop(listener);
    }
}
