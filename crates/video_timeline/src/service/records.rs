use http_kit::RequestContext;
use primitives::{Id, Page, Scope, WriteSeed};
use sqlx::PgConnection;

use super::TimelineService;
use crate::error::Error;
use crate::page::Paging;
use crate::store::record::{Child, Editable, Record};

/// What is the same for every kind of object.
impl TimelineService {
    /// Returns an object by its id.
    pub(crate) async fn get<T: Record>(&self, context: &RequestContext, id: &Id) -> Result<T, Error> {
        find(&mut *self.pool.acquire().await?, &context.scope, id).await
    }

    /// Changes the fields of `patch`.
    pub(crate) async fn update<T: Editable>(
        &self,
        context: &RequestContext,
        id: &Id,
        patch: &T::Patch,
    ) -> Result<T, Error> {
        T::check(patch)?;
        let mut connection = self.pool.acquire().await?;
        let row = T::update(&mut connection, &context.scope, id, patch, self.clock.now()).await?;
        row.ok_or_else(|| Error::not_found(T::KIND, id))
    }

    /// Deletes an object with its contents.
    pub(crate) async fn delete<T: Record>(&self, context: &RequestContext, id: &Id) -> Result<(), Error> {
        let any = T::delete(&mut *self.pool.acquire().await?, &context.scope, id).await?;
        any.then_some(()).ok_or_else(|| Error::not_found(T::KIND, id))
    }

    /// Creates a child of the object `parent_id`.
    pub(crate) async fn create_child<T: Child>(
        &self,
        context: &RequestContext,
        parent_id: &Id,
        new: &T::New,
    ) -> Result<T, Error> {
        T::check(new)?;
        let mut connection = self.pool.acquire().await?;
        let id = Id::for_write(T::ID_PREFIX, 0);
        match made_before(&mut connection, &context.scope, &id).await? {
            Some(made) => Ok(made),
            None => T::insert(&mut connection, &context.scope, parent_id, &id, new).await,
        }
    }

    /// The children of the object `parent_id`, ordered by position.
    pub(crate) async fn children<T: Child>(
        &self,
        context: &RequestContext,
        parent_id: &Id,
        paging: &Paging,
    ) -> Result<Page<T>, Error> {
        let page = paging.in_order()?;
        let mut connection = self.pool.acquire().await?;
        find::<T::Parent>(&mut connection, &context.scope, parent_id).await?;
        let rows = T::list(&mut connection, &context.scope, parent_id, &page).await?;
        Ok(Page::from_rows(rows, page.limit, T::cursor))
    }
}

/// The object, or [`Error::NotFound`].
pub(super) async fn find<T: Record>(
    connection: &mut PgConnection,
    scope: &Scope,
    id: &Id,
) -> Result<T, Error> {
    T::find(connection, scope, id).await?.ok_or_else(|| Error::not_found(T::KIND, id))
}

/// The object that an earlier attempt of this write created before its process died.
pub(super) async fn made_before<T: Record>(
    connection: &mut PgConnection,
    scope: &Scope,
    id: &Id,
) -> Result<Option<T>, Error> {
    if WriteSeed::current().is_none() {
        return Ok(None);
    }
    Ok(T::find(connection, scope, id).await?)
}
