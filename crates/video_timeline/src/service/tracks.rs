use http_kit::RequestContext;
use primitives::{Id, Page, WriteSeed};

use super::{TimelineService, deleted, found};
use crate::error::{Entity, Error};
use crate::model::{NewTrack, Track, TrackPatch};
use crate::page::{Paging, position};
use crate::store::{sequences, tracks};

impl TimelineService {
    pub(crate) async fn make_track(
        &self,
        context: &RequestContext,
        sequence_id: &Id,
        new: &NewTrack,
    ) -> Result<Track, Error> {
        new.check("")?;
        let mut connection = self.pool.acquire().await?;
        let id = Id::for_write("track", 0);
        if WriteSeed::current().is_some()
            && let Some(made) = tracks::find(&mut connection, &context.scope, &id).await?
        {
            return Ok(made);
        }
        tracks::insert(&mut connection, &context.scope, sequence_id, &id, new).await
    }

    pub(crate) async fn track(&self, context: &RequestContext, id: &Id) -> Result<Track, Error> {
        let row = tracks::find(&mut *self.pool.acquire().await?, &context.scope, id).await?;
        found(row, Entity::Track, id)
    }

    /// Tracks ordered by position.
    pub(crate) async fn tracks(
        &self,
        context: &RequestContext,
        sequence_id: &Id,
        paging: &Paging,
    ) -> Result<Page<Track>, Error> {
        let page = paging.in_order()?;
        let mut connection = self.pool.acquire().await?;
        let parent = sequences::find(&mut connection, &context.scope, sequence_id).await?;
        found(parent, Entity::Sequence, sequence_id)?;
        let rows = tracks::list(&mut connection, &context.scope, sequence_id, &page).await?;
        Ok(Page::from_rows(rows, page.limit, |row| position(row.position.into(), &row.id)))
    }

    pub(crate) async fn update_track(
        &self,
        context: &RequestContext,
        id: &Id,
        patch: &TrackPatch,
    ) -> Result<Track, Error> {
        patch.check()?;
        let row = tracks::update(&mut *self.pool.acquire().await?, &context.scope, id, patch).await?;
        found(row, Entity::Track, id)
    }

    /// Deletes a track with its clips.
    pub(crate) async fn delete_track(&self, context: &RequestContext, id: &Id) -> Result<(), Error> {
        let any = tracks::delete(&mut *self.pool.acquire().await?, &context.scope, id).await?;
        deleted(any, Entity::Track, id)
    }
}
