//! The local timeline service: validation, transactions, object hierarchy.

mod clips;
mod projects;
mod records;
mod timelines;

use std::sync::Arc;

use primitives::{Clock, Scope};
use sqlx::PgPool;

use crate::catalogue::{self, MediaCatalogue};
use crate::error::Error;
use crate::model::Clip;
use crate::shot_lists::ShotListTimelines;

/// The timeline on this process's Postgres. Other engines use it as a [`VideoTimeline`](crate::VideoTimeline);
/// [`router`](crate::router) serves all of it over HTTP.
#[derive(Clone, Debug)]
pub struct TimelineService {
    pool: PgPool,
    clock: Arc<dyn Clock>,
    catalogue: Option<Arc<dyn MediaCatalogue>>,
    shot_lists: Option<Arc<dyn ShotListTimelines>>,
}

impl TimelineService {
    /// Creates a timeline on a migrated database.
    #[must_use]
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        Self { pool, clock, catalogue: None, shot_lists: None }
    }

    /// Adds a catalogue, against which new and changed clips are checked.
    #[must_use]
    pub fn with_catalogue(self, catalogue: Arc<dyn MediaCatalogue>) -> Self {
        Self { catalogue: Some(catalogue), ..self }
    }

    /// Adds the engine that creates timelines from shot lists.
    #[must_use]
    pub fn with_shot_lists(self, shot_lists: Arc<dyn ShotListTimelines>) -> Self {
        Self { shot_lists: Some(shot_lists), ..self }
    }

    /// Checks the assets and artifacts of clips; `at` returns the JSON pointer of each clip.
    async fn check_media(
        &self,
        scope: &Scope,
        clips: &[Clip],
        at: impl Fn(usize) -> String,
    ) -> Result<(), Error> {
        catalogue::check(self.catalogue.as_deref(), scope, clips, at).await
    }
}
