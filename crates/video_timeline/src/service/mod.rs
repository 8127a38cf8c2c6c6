//! The rules of the timeline in this process: checks, transactions, what is made of what.

mod clips;
mod projects;
mod sequences;
mod timelines;
mod tracks;

use std::sync::Arc;

use http_kit::{Clock, Id, Scope};
use sqlx::PgPool;

use crate::catalogue::{self, MediaCatalogue};
use crate::error::{Entity, Error};
use crate::model::Clip;

/// The timeline on this process's Postgres. As a [`VideoTimeline`](crate::VideoTimeline) it is what
/// other engines use; [`router`](crate::router) serves all of it over HTTP.
#[derive(Clone, Debug)]
pub struct TimelineService {
    pool: PgPool,
    clock: Arc<dyn Clock>,
    catalogue: Option<Arc<dyn MediaCatalogue>>,
}

impl TimelineService {
    /// A timeline on a migrated database.
    #[must_use]
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        Self { pool, clock, catalogue: None }
    }

    /// The same timeline, which keeps only clips of what `catalogue` knows.
    #[must_use]
    pub fn with_catalogue(self, catalogue: Arc<dyn MediaCatalogue>) -> Self {
        Self { catalogue: Some(catalogue), ..self }
    }

    /// Checks what clips refer to, `at` being the JSON pointer of each.
    async fn check_media(
        &self,
        scope: &Scope,
        clips: &[Clip],
        at: impl Fn(usize) -> String,
    ) -> Result<(), Error> {
        catalogue::check(self.catalogue.as_deref(), scope, clips, at).await
    }
}

/// The thing found, or the error that there is none.
fn found<T>(row: Option<T>, kind: Entity, id: &Id) -> Result<T, Error> {
    row.ok_or_else(|| Error::not_found(kind, id))
}

/// Done, or the error that there was nothing to do it to.
fn deleted(any: bool, kind: Entity, id: &Id) -> Result<(), Error> {
    found(any.then_some(()), kind, id)
}
