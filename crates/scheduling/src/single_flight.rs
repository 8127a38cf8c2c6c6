//! Single flight across processes: identical requests do their work once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use primitives::Id;
use sqlx::PgPool;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::AbortHandle;

use crate::{WorkError, begin_heavy_work};

/// Default duration of a lease. A holder that has not renewed its lease for this long loses it: its process hangs or is
/// dead.
const LEASE: Duration = Duration::from_secs(15);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// Grants leases by name, so that identical requests do their work once.
#[derive(Debug)]
pub struct SingleFlight {
    pool: PgPool,
    lease: Duration,
    /// Callers of this process that wait for the same name: only the first of each queue queries the database.
    queues: std::sync::Mutex<HashMap<String, Weak<Mutex<()>>>>,
}

/// The exclusive right to do the work of a name, renewed while it is held. A process that hangs loses it: then the work
/// may be done twice, and its result is kept once.
#[derive(Debug)]
pub struct FlightGuard {
    lease: Option<Lease>,
    renewal: Option<AbortHandle>,
    _queued: OwnedMutexGuard<()>,
}

/// Outcome of waiting for a lease.
#[derive(Debug)]
pub enum Acquisition<T> {
    /// The lease is held: this caller does the work.
    Acquired(FlightGuard),
    /// Another caller did the work in the meantime.
    Completed(T),
}

impl SingleFlight {
    /// Keeps leases in the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, lease: LEASE, queues: std::sync::Mutex::default() }
    }

    /// Sets the duration of leases (default: 15 s); they are renewed about four times in it.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// Returns what `find` finds, or runs `make` while the lease `name` is held: once for all callers with that name, in
    /// however many processes. The flag is true for a result that was found.
    ///
    /// # Errors
    /// As [`SingleFlight::acquire`], and errors of `make`.
    pub async fn get_or_make<T, E, F>(
        &self,
        name: &str,
        find: impl Fn() -> F,
        make: impl Future<Output = Result<T, E>>,
    ) -> Result<(T, bool), E>
    where
        F: Future<Output = Result<Option<T>, E>>,
        E: From<sqlx::Error> + From<WorkError>,
    {
        match self.acquire(name, find).await? {
            Acquisition::Completed(found) => Ok((found, true)),
            Acquisition::Acquired(guard) => {
                let made = make.await;
                guard.release().await;
                Ok((made?, false))
            }
        }
    }

    /// Waits until the lease `name` is acquired, or until `find` finds the work done. A caller that waits for a name
    /// which another caller of this process holds or awaits does not query the database.
    ///
    /// # Errors
    /// [`WorkError::Deferred`] within [`defer`](crate::defer); errors of the database and of `find`.
    pub async fn acquire<T, E, F>(&self, name: &str, find: impl Fn() -> F) -> Result<Acquisition<T>, E>
    where
        F: Future<Output = Result<Option<T>, E>>,
        E: From<sqlx::Error> + From<WorkError>,
    {
        // A call that is to be deferred does not wait for identical work.
        begin_heavy_work()?;
        let queued = self.queue(name).lock_owned().await;
        if let Some(found) = find().await? {
            return Ok(Acquisition::Completed(found));
        }
        let lease = Lease {
            pool: self.pool.clone(),
            name: name.to_owned(),
            holder: Id::generate("lease").to_string(),
            duration: self.lease,
        };
        // Dropped while the lease is being taken, it releases what the database may have granted.
        let mut flight = FlightGuard { lease: Some(lease.clone()), renewal: None, _queued: queued };
        let mut pause = FIRST_PAUSE;
        while !lease.take().await? {
            if let Some(found) = find().await? {
                flight.lease = None;
                return Ok(Acquisition::Completed(found));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
        flight.renewal = Some(tokio::spawn(lease.renew()).abort_handle());
        // The previous holder may have finished between the last check and the lease.
        match find().await? {
            Some(found) => {
                flight.release().await;
                Ok(Acquisition::Completed(found))
            }
            None => Ok(Acquisition::Acquired(flight)),
        }
    }

    fn queue(&self, name: &str) -> Arc<Mutex<()>> {
        // The lock is never poisoned: nothing panics while it is held.
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

impl FlightGuard {
    /// Releases the lease. Dropping releases it too, asynchronously.
    pub async fn release(mut self) {
        self.end_renewal();
        if let Some(lease) = self.lease.take() {
            lease.give_back().await;
        }
    }
}

impl FlightGuard {
    fn end_renewal(&self) {
        if let Some(renewal) = &self.renewal {
            renewal.abort();
        }
    }
}

impl Drop for FlightGuard {
    fn drop(&mut self) {
        self.end_renewal();
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(lease), Ok(runtime)) = (self.lease.take(), runtime) {
            runtime.spawn(async move { lease.give_back().await });
        }
    }
}

/// A row of `work_leases`. Instants are the database's, because clocks of processes may differ.
#[derive(Clone, Debug)]
struct Lease {
    pool: PgPool,
    name: String,
    holder: String,
    duration: Duration,
}

impl Lease {
    /// Takes the lease if it is free or expired; `false` if another holder has it.
    async fn take(&self) -> sqlx::Result<bool> {
        let taken = sqlx::query!(
            "-- scheduling::single_flight::take
             WITH forgotten AS (DELETE FROM work_leases WHERE expires_at < clock_timestamp() - interval '1 day')
             INSERT INTO work_leases AS l (name, holder, expires_at)
             VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
             WHERE l.expires_at < clock_timestamp()",
            self.name,
            self.holder,
            self.duration.as_secs_f64(),
        )
        .execute(&self.pool)
        .await?;
        Ok(taken.rows_affected() > 0)
    }

    /// Renews the lease until it is lost.
    async fn renew(self) {
        loop {
            // Every 4 s by default.
            tokio::time::sleep(self.duration * 4 / 15).await;
            let renewed = sqlx::query!(
                "-- scheduling::single_flight::renew
                 UPDATE work_leases SET expires_at = clock_timestamp() + make_interval(secs => $3)
                 WHERE name = $1 AND holder = $2",
                self.name,
                self.holder,
                self.duration.as_secs_f64(),
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
            "-- scheduling::single_flight::give_back
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
