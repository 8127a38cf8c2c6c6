//! One run for identical requests, in however many processes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore, SemaphorePermit};

use crate::{WorkError, begin_heavy_work};

/// So many names may hold or await their lock in this process, of whichever work; each has a connection of its own,
/// beside those of the pool.
pub const MAX_LOCK_CONNECTIONS: usize = 32;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Hands out locks by name, so that identical requests do their work once.
#[derive(Debug)]
pub struct Flights {
    /// What the work is called when too much of it waits.
    work: &'static str,
    pool: PgPool,
    /// Those in this process who ask for the same name: only the first of each queue asks the database.
    queues: std::sync::Mutex<HashMap<String, Weak<Mutex<()>>>>,
}

/// The right to do the work of that name. The database ends it with the connection, so it cannot
/// outlive a process that died.
#[derive(Debug)]
pub struct Flight {
    connection: PgConnection,
    _place: SemaphorePermit<'static>,
    _turn: OwnedMutexGuard<()>,
}

static PLACES: Semaphore = Semaphore::const_new(MAX_LOCK_CONNECTIONS);

/// What waiting for a lock came to.
#[derive(Debug)]
pub enum Boarding<T> {
    /// The work is ours.
    Aboard(Flight),
    /// It was done while we waited.
    Landed(T),
}

impl Flights {
    /// Locks in the database of `pool`; `work` names what they guard in [`WorkError::Full`].
    #[must_use]
    pub fn new(work: &'static str, pool: PgPool) -> Self {
        Self { work, pool, queues: std::sync::Mutex::default() }
    }

    /// Waits until the lock `name` is ours, or until `landed` finds the work done.
    ///
    /// A session-level advisory lock on a connection outside the pool: waiting does not starve it. Whoever waits for
    /// a name that another of this process holds or awaits needs no connection.
    ///
    /// # Errors
    /// [`WorkError::Deferred`] within [`defer`](crate::defer); [`WorkError::Full`] when too many names are waited for
    /// already; the database's, and those of `landed`.
    pub async fn board<T, E, F>(&self, name: &str, landed: impl Fn() -> F) -> Result<Boarding<T>, E>
    where
        F: Future<Output = Result<Option<T>, E>>,
        E: From<sqlx::Error> + From<WorkError>,
    {
        // A call that is to be deferred does not wait for the same work of another.
        begin_heavy_work()?;
        let turn = self.queue(name).lock_owned().await;
        if let Some(found) = landed().await? {
            return Ok(Boarding::Landed(found));
        }
        let place = PLACES.try_acquire().map_err(|_| WorkError::Full(self.work))?;
        let mut connection = PgConnection::connect_with(&self.pool.connect_options()).await?;
        let lock = lock_id(name);
        let mut pause = FIRST_PAUSE;
        loop {
            let taken: bool = sqlx::query_scalar(
                "-- http_kit::flight::board
                 SELECT pg_try_advisory_lock($1)",
            )
            .bind(lock)
            .fetch_one(&mut connection)
            .await?;
            // Also when it is ours: the one before may just have landed.
            if let Some(found) = landed().await? {
                Flight { connection, _place: place, _turn: turn }.land().await;
                return Ok(Boarding::Landed(found));
            }
            if taken {
                return Ok(Boarding::Aboard(Flight { connection, _place: place, _turn: turn }));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn queue(&self, name: &str) -> Arc<Mutex<()>> {
        // Nothing panics while it is held.
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(name).and_then(Weak::upgrade) {
            return queue;
        }
        queues.retain(|_, queue| queue.strong_count() > 0);
        let queue = Arc::default();
        queues.insert(name.to_owned(), Arc::downgrade(&queue));
        queue
    }
}

impl Flight {
    /// Gives the lock back. Dropping does too, when the database notices.
    pub async fn land(self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "closing a lock's connection");
        }
    }
}

/// Advisory locks are named by 64 bits: two names that share them only wait for each other.
fn lock_id(name: &str) -> i64 {
    let digest = Sha256::digest(name);
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first)
}
