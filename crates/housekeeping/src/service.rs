use std::sync::Arc;

use chrono::{DateTime, Utc};
use primitives::Clock;
use sqlx::PgPool;
use video_timeline::VideoTimeline;

/// Removes assets and reads figures. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Housekeeping {
    pool: PgPool,
    clock: Arc<dyn Clock>,
    remote_timeline: Option<Arc<dyn VideoTimeline>>,
}

impl Housekeeping {
    /// A service over a migrated database.
    #[must_use]
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        Self { pool, clock, remote_timeline: None }
    }

    /// Sets the timeline that is used in place of the tables of this database: its clips keep assets, too.
    #[must_use]
    pub fn with_remote_timeline(self, timeline: Arc<dyn VideoTimeline>) -> Self {
        Self { remote_timeline: Some(timeline), ..self }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn remote_timeline(&self) -> Option<&dyn VideoTimeline> {
        self.remote_timeline.as_deref()
    }
}
