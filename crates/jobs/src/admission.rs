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

/// Period over which the rate of ended jobs is measured.
pub(crate) const RECENT: TimeDelta = TimeDelta::seconds(60);
/// Maximum `Retry-After` of a full queue in seconds, also if no job has ended recently.
const MAX_RETRY_AFTER_S: i64 = 300;

/// `Retry-After` of a full queue in seconds: `waiting` jobs at the rate of those that have `ended` in the last [`RECENT`].
pub(crate) fn retry_after_s(waiting: i64, ended: i64) -> u32 {
    let estimated = waiting.saturating_mul(RECENT.num_seconds()).checked_div(ended);
    estimated.unwrap_or(MAX_RETRY_AFTER_S).clamp(1, MAX_RETRY_AFTER_S) as u32
}

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
pub(crate) struct WaitingCounts(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    of_tenants: HashMap<Id, Count>,
    /// Shared by all tenants, so that it includes what each of them was admitted.
    of_all: Option<Count>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    jobs: i64,
    counted_at: Instant,
}

impl Count {
    /// Whether the count is recent and below half of `limit`.
    fn is_ample(&self, limit: i64, now: Instant) -> bool {
        now.duration_since(self.counted_at) < COUNTS_TTL && self.jobs < limit / 2
    }
}

impl WaitingCounts {
    /// Admits one more job of the tenant, if the counts are recent and below half of the limits.
    pub(crate) fn try_admit(&self, tenant_id: &Id, limits: &JobLimits, now: Instant) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { of_tenants, of_all } = &mut *counts;
        let (Some(of_tenant), Some(of_all)) = (of_tenants.get_mut(tenant_id), of_all) else { return false };
        let is_ample =
            of_tenant.is_ample(limits.waiting_per_tenant, now) && of_all.is_ample(limits.waiting, now);
        if is_ample {
            of_tenant.jobs += 1;
            of_all.jobs += 1;
        }
        is_ample
    }

    /// Stores counts of the database, plus the job of the tenant that they admit.
    pub(crate) fn admit_counted(&self, tenant_id: &Id, waiting: Waiting, now: Instant) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.of_tenants.len() >= MAX_TENANTS {
            counts.of_tenants.clear();
        }
        let admitted = |jobs: i64| Count { jobs: jobs + 1, counted_at: now };
        counts.of_tenants.insert(tenant_id.clone(), admitted(waiting.of_tenant));
        counts.of_all = Some(admitted(waiting.of_all));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_the_time_that_the_queued_jobs_take() {
        assert_eq!(retry_after_s(100, 60), 100);
        assert_eq!(retry_after_s(10, 600), 1);
        assert_eq!(retry_after_s(10, 100_000), 1, "not 0");
        assert_eq!(retry_after_s(100_000, 60), 300);
        assert_eq!(retry_after_s(10, 0), 300, "no job has ended");
    }

    #[test]
    fn count_below_half_of_its_limit_is_cached_for_a_second() {
        let limits = JobLimits { waiting_per_tenant: 10, waiting: 100, ..JobLimits::default() };
        let (counts, tenant, now) = (WaitingCounts::default(), "t1".parse().unwrap(), Instant::now());
        let admit = |now| counts.try_admit(&tenant, &limits, now);
        assert!(!admit(now), "not counted yet");
        counts.admit_counted(&tenant, Waiting { of_tenant: 2, of_all: 2 }, now);
        assert_eq!([(); 3].map(|()| admit(now)), [true, true, false]);
        counts.admit_counted(&tenant, Waiting { of_tenant: 0, of_all: 49 }, now);
        assert!(!admit(now), "of all");
        counts.admit_counted(&tenant, Waiting { of_tenant: 0, of_all: 0 }, now);
        assert!(!admit(now + COUNTS_TTL), "too old");
    }

    #[test]
    fn tenants_share_the_limit_of_all() {
        let limits = JobLimits { waiting_per_tenant: 10, waiting: 20, ..JobLimits::default() };
        let (counts, now) = (WaitingCounts::default(), Instant::now());
        let tenants: [Id; 4] = ["t1", "t2", "t3", "t4"].map(|name| name.parse().unwrap());
        for (of_all, tenant) in (0..).zip(&tenants) {
            counts.admit_counted(tenant, Waiting { of_tenant: 0, of_all }, now);
        }
        let admitted =
            tenants.iter().cycle().take(40).filter(|tenant| counts.try_admit(tenant, &limits, now));
        assert_eq!(admitted.count(), 6, "with the four that were counted, half of the limit");
    }
}
