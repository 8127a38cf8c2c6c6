//! Limits on the number of queued jobs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use primitives::Id;
use tokio::time::Instant;

use crate::Error;
use crate::service::{JobLimits, Jobs};
use crate::store::{self, Waiting};

/// Lifetime of a count that is below half of its limit: counting takes time proportional to the number of queued jobs.
const KEPT: Duration = Duration::from_secs(1);
/// Maximum number of tenants with counts; beyond it all counts are dropped.
const MOST_TENANTS: usize = 10_000;

/// Queued jobs of each tenant and of all, counted less than `KEPT` ago, plus those admitted since.
#[derive(Debug, Default)]
pub(crate) struct Room(Mutex<HashMap<Id, (Waiting, Instant)>>);

impl Room {
    /// Admits one more job of the tenant, if the count is recent and below half of the limits.
    fn take(&self, tenant_id: &Id, limits: &JobLimits, now: Instant) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((waiting, counted_at)) = counts.get_mut(tenant_id) else { return false };
        let is_ample = now.duration_since(*counted_at) < KEPT
            && waiting.of_tenant < limits.waiting_per_tenant / 2
            && waiting.of_all < limits.waiting / 2;
        if is_ample {
            waiting.of_tenant += 1;
            waiting.of_all += 1;
        }
        is_ample
    }

    fn keep(&self, tenant_id: &Id, waiting: Waiting, now: Instant) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MOST_TENANTS {
            counts.clear();
        }
        counts.insert(tenant_id.clone(), (waiting, now));
    }
}

impl Jobs {
    /// Checks whether the tenant may queue another job. It uses a count, not a lock: concurrent calls may exceed the
    /// limit by their number, and each process by the jobs that the others accept within a second.
    pub(crate) async fn check_room(&self, tenant_id: &Id) -> Result<(), Error> {
        let limits = self.limits();
        if self.room().take(tenant_id, limits, Instant::now()) {
            return Ok(());
        }
        let waiting = store::waiting(&mut *self.pool().acquire().await?, tenant_id).await?;
        if waiting.of_tenant >= limits.waiting_per_tenant {
            return Err(Error::TooManyOfTenant(waiting.of_tenant));
        }
        if waiting.of_all >= limits.waiting {
            return Err(Error::TooMany(waiting.of_all));
        }
        self.room().keep(tenant_id, waiting, Instant::now());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_below_half_of_its_limit_is_cached_for_a_second() {
        let limits = JobLimits { waiting_per_tenant: 10, waiting: 100, ..JobLimits::default() };
        let (room, tenant, now) = (Room::default(), "t1".parse().unwrap(), Instant::now());
        let take = |now| room.take(&tenant, &limits, now);
        assert!(!take(now), "not counted yet");
        room.keep(&tenant, Waiting { of_tenant: 3, of_all: 3 }, now);
        assert_eq!([(); 3].map(|()| take(now)), [true, true, false]);
        room.keep(&tenant, Waiting { of_tenant: 0, of_all: 50 }, now);
        assert!(!take(now), "of all");
        room.keep(&tenant, Waiting { of_tenant: 0, of_all: 0 }, now);
        assert!(!take(now + KEPT), "too old");
    }
}
