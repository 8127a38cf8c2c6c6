use http_kit::RequestContext;
use primitives::{Id, Page, WriteSeed};

use super::{TimelineService, deleted, found};
use crate::error::{Entity, Error};
use crate::model::{NewSequence, Sequence, SequencePatch};
use crate::page::{Paging, position};
use crate::store::{projects, sequences};

impl TimelineService {
    pub(crate) async fn make_sequence(
        &self,
        context: &RequestContext,
        project_id: &Id,
        new: &NewSequence,
    ) -> Result<Sequence, Error> {
        new.check("")?;
        let mut connection = self.pool.acquire().await?;
        let id = Id::for_write("seq", 0);
        if WriteSeed::current().is_some()
            && let Some(made) = sequences::find(&mut connection, &context.scope, &id).await?
        {
            return Ok(made);
        }
        sequences::insert(&mut connection, &context.scope, project_id, &id, new).await
    }

    pub(crate) async fn sequence(&self, context: &RequestContext, id: &Id) -> Result<Sequence, Error> {
        let row = sequences::find(&mut *self.pool.acquire().await?, &context.scope, id).await?;
        found(row, Entity::Sequence, id)
    }

    /// Sequences ordered by position.
    pub(crate) async fn sequences(
        &self,
        context: &RequestContext,
        project_id: &Id,
        paging: &Paging,
    ) -> Result<Page<Sequence>, Error> {
        let page = paging.in_order()?;
        let mut connection = self.pool.acquire().await?;
        let parent = projects::find(&mut connection, &context.scope, project_id).await?;
        found(parent, Entity::Project, project_id)?;
        let rows = sequences::list(&mut connection, &context.scope, project_id, &page).await?;
        Ok(Page::from_rows(rows, page.limit, |row| position(row.position.into(), &row.id)))
    }

    pub(crate) async fn update_sequence(
        &self,
        context: &RequestContext,
        id: &Id,
        patch: &SequencePatch,
    ) -> Result<Sequence, Error> {
        patch.check()?;
        let row = sequences::update(&mut *self.pool.acquire().await?, &context.scope, id, patch).await?;
        found(row, Entity::Sequence, id)
    }

    /// Deletes a sequence with its tracks and their clips.
    pub(crate) async fn delete_sequence(&self, context: &RequestContext, id: &Id) -> Result<(), Error> {
        let any = sequences::delete(&mut *self.pool.acquire().await?, &context.scope, id).await?;
        deleted(any, Entity::Sequence, id)
    }
}
