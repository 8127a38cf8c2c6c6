//! One run for identical requests, in however many processes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::AbortHandle;

use crate::{Id, WorkError, begin_heavy_work};

/// A holder that has not renewed its lease for so long has lost it: its process hangs, or is dead.
const LEASE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 15 });
const RENEW: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 4 });
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Hands out leases by name, so that identical requests do their work once.
#[derive(Debug)]
pub struct Flights {
    pool: PgPool,
    /// Those in this process who ask for the same name: only the first of each queue asks the database.
    queues: std::sync::Mutex<HashMap<String, Weak<Mutex<()>>>>,
}

/// The right to do the work of that name, renewed for as long as it is held. A process that hangs loses it: then the work
/// may be done twice, and its result is kept once.
#[derive(Debug)]
pub struct Flight {
    lease: Option<Lease>,
    renewal: Option<AbortHandle>,
    _turn: OwnedMutexGuard<()>,
}

/// What waiting for a lease came to.
#[derive(Debug)]
pub enum Boarding<T> {
    /// The work is ours.
    Aboard(Flight),
    /// It was done while we waited.
    Landed(T),
}

impl Flights {
    /// Leases in the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, queues: std::sync::Mutex::default() }
    }

    /// Waits until the lease `name` is ours, or until `landed` finds the work done. Whoever waits for a name that another
    /// of this process holds or awaits asks the database nothing.
    ///
    /// # Errors
    /// [`WorkError::Deferred`] within [`defer`](crate::defer); the database's, and those of `landed`.
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
        let lease = Lease {
            pool: self.pool.clone(),
            name: name.to_owned(),
            holder: Id::generate("lease").to_string(),
        };
        // Dropped while it takes the lease, it gives back what the database may have granted.
        let mut flight = Flight { lease: Some(lease.clone()), renewal: None, _turn: turn };
        let mut pause = FIRST_PAUSE;
        while !lease.take().await? {
            if let Some(found) = landed().await? {
                flight.lease = None;
                return Ok(Boarding::Landed(found));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        flight.renewal = Some(tokio::spawn(lease.renew()).abort_handle());
        // The one before may just have landed.
        match landed().await? {
            Some(found) => {
                flight.land().await;
                Ok(Boarding::Landed(found))
            }
            None => Ok(Boarding::Aboard(flight)),
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
    /// Gives the lease back. Dropping does too, a moment later.
    pub async fn land(mut self) {
        self.end_renewal();
        if let Some(lease) = self.lease.take() {
            lease.give_back().await;
        }
    }
}

impl Flight {
    fn end_renewal(&self) {
        if let Some(renewal) = &self.renewal {
            renewal.abort();
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.end_renewal();
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(lease), Ok(runtime)) = (self.lease.take(), runtime) {
            runtime.spawn(async move { lease.give_back().await });
        }
    }
}

/// A row of `work_leases`. Its instants are the database's: clocks of processes may differ.
#[derive(Clone, Debug)]
struct Lease {
    pool: PgPool,
    name: String,
    holder: String,
}

impl Lease {
    /// Takes the lease if it is free or expired.
    async fn take(&self) -> sqlx::Result<bool> {
        let taken = sqlx::query!(
            "-- http_kit::flight::take
             WITH forgotten AS (DELETE FROM work_leases WHERE expires_at < clock_timestamp() - interval '1 day')
             INSERT INTO work_leases AS l (name, holder, expires_at)
             VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
             WHERE l.expires_at < clock_timestamp()",
            self.name,
            self.holder,
            LEASE.as_secs_f64(),
        )
        .execute(&self.pool)
        .await?;
        Ok(taken.rows_affected() > 0)
    }

    /// Renews it until it is lost.
    async fn renew(self) {
        loop {
            tokio::time::sleep(RENEW).await;
            let renewed = sqlx::query!(
                "-- http_kit::flight::renew
                 UPDATE work_leases SET expires_at = clock_timestamp() + make_interval(secs => $3)
                 WHERE name = $1 AND holder = $2",
                self.name,
                self.holder,
                LEASE.as_secs_f64(),
            )
            .execute(&self.pool)
            .await;
            match renewed {
                Ok(renewed) if renewed.rows_affected() == 0 => {
                    tracing::warn!(name = self.name, "a lease was lost: its work may be done twice");
                    return;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, name = self.name, "a lease cannot be renewed"),
            }
        }
    }

    async fn give_back(&self) {
        let given = sqlx::query!(
            "-- http_kit::flight::give_back
             DELETE FROM work_leases WHERE name = $1 AND holder = $2",
            self.name,
            self.holder,
        )
        .execute(&self.pool)
        .await;
        if let Err(error) = given {
            tracing::debug!(%error, name = self.name, "a lease ends by itself");
        }
    }
}
