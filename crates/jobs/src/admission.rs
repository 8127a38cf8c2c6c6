//! Limits on the number of queued jobs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use primitives::Id;
use tokio::time::Instant;

use crate::store::Waiting;

/// Lifetime of a count that is below half of its limit: counting takes time proportional to the number of queued jobs.
const COUNTS_TTL: Duration = Duration::from_secs(1);
/// Maximum number of tenants with counts; beyond it all counts are dropped.
const MAX_TENANTS: usize = 10_000;

/// Limits of queued jobs, and the retention of finished ones.
#[derive(Clone, Copy, Debug)]
pub struct JobLimits {
    /// Maximum number of queued jobs of a tenant; beyond it 429.
    pub waiting_per_tenant: i64,
    /// Maximum number of queued jobs of all tenants; beyond it 503.
    pub waiting: i64,
    /// How long a finished job can be read.
    pub retention: TimeDelta,
}

impl Default for JobLimits {
    fn default() -> Self {
        Self { waiting_per_tenant: 10_000, waiting: 100_000, retention: TimeDelta::days(7) }
    }
}

/// Queued jobs of each tenant and of all, counted less than `COUNTS_TTL` ago, plus those admitted since.
#[derive(Debug, Default)]
pub(crate) struct WaitingCounts(Mutex<HashMap<Id, (Waiting, Instant)>>);

impl WaitingCounts {
    /// Admits one more job of the tenant, if the count is recent and below half of the limits.
    pub(crate) fn try_admit(&self, tenant_id: &Id, limits: &JobLimits, now: Instant) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((waiting, counted_at)) = counts.get_mut(tenant_id) else { return false };
        let is_ample = now.duration_since(*counted_at) < COUNTS_TTL
            && waiting.of_tenant < limits.waiting_per_tenant / 2
            && waiting.of_all < limits.waiting / 2;
        if is_ample {
            waiting.of_tenant += 1;
            waiting.of_all += 1;
        }
        is_ample
    }

    /// Stores counts of the database.
    pub(crate) fn insert(&self, tenant_id: &Id, waiting: Waiting, now: Instant) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_TENANTS {
            counts.clear();
        }
        counts.insert(tenant_id.clone(), (waiting, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_below_half_of_its_limit_is_cached_for_a_second() {
        let limits = JobLimits { waiting_per_tenant: 10, waiting: 100, ..JobLimits::default() };
        let (counts, tenant, now) = (WaitingCounts::default(), "t1".parse().unwrap(), Instant::now());
        let admit = |now| counts.try_admit(&tenant, &limits, now);
        assert!(!admit(now), "not counted yet");
        counts.insert(&tenant, Waiting { of_tenant: 3, of_all: 3 }, now);
        assert_eq!([(); 3].map(|()| admit(now)), [true, true, false]);
        counts.insert(&tenant, Waiting { of_tenant: 0, of_all: 50 }, now);
        assert!(!admit(now), "of all");
        counts.insert(&tenant, Waiting { of_tenant: 0, of_all: 0 }, now);
        assert!(!admit(now + COUNTS_TTL), "too old");
    }
}
