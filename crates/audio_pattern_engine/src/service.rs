use std::sync::Arc;

use media_v2::MediaError;
use primitives::{Clock, Id, Scope};
use sqlx::PgPool;

use crate::plan::Plan;
use crate::{Error, PatternRequest, PatternTimeline, store};

/// Makes and stores patterns. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PatternEngine {
    pool: PgPool,
    clock: Arc<dyn Clock>,
}

impl PatternEngine {
    /// An engine on a migrated database.
    #[must_use]
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        Self { pool, clock }
    }

    /// Makes the pattern of a request and stores it; repeated requests share one stored pattern.
    ///
    /// # Errors
    /// [`Error::UnknownTemplate`], [`Error::Invalid`]; [`MediaError::ArtifactsNotFound`] listing every sample that the
    /// owner does not have; [`Error::Database`].
    pub async fn make(&self, scope: &Scope, request: &PatternRequest) -> Result<PatternTimeline, Error> {
        let plan = Plan::of(request)?;
        let mut conn = self.pool.acquire().await?;
        let missing = media_v2::store::missing_artifacts(&mut conn, scope, &plan.artifacts()).await?;
        if !missing.is_empty() {
            return Err(MediaError::ArtifactsNotFound(missing).into());
        }
        let pattern = plan.timeline();
        store::keep_pattern(&mut conn, scope, self.clock.now(), &pattern).await?;
        Ok(pattern)
    }

    /// Reads the pattern with this id.
    ///
    /// # Errors
    /// [`Error::PatternNotFound`], [`Error::Database`].
    pub async fn get(&self, scope: &Scope, pattern_id: &Id) -> Result<PatternTimeline, Error> {
        let mut conn = self.pool.acquire().await?;
        let pattern = store::find_pattern(&mut conn, scope, pattern_id).await?;
        pattern.ok_or_else(|| Error::PatternNotFound(pattern_id.clone()))
    }
}
