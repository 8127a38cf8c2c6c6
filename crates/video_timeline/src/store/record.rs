//! What the store offers for each kind of object. One file of this module implements it for one table.

use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use sqlx::PgConnection;

use crate::error::{Entity, Error};
use crate::page::{InOrder, Position};

/// An object that is found and deleted by its id.
pub(crate) trait Record: Sized + Send {
    /// The kind that [`Error::NotFound`] names.
    const KIND: Entity;

    fn find(
        connection: &mut PgConnection,
        scope: &Scope,
        id: &Id,
    ) -> impl Future<Output = sqlx::Result<Option<Self>>> + Send;

    /// Deletes the object and its contents; false if it does not exist.
    fn delete(
        connection: &mut PgConnection,
        scope: &Scope,
        id: &Id,
    ) -> impl Future<Output = sqlx::Result<bool>> + Send;
}

/// A record that one statement changes.
pub(crate) trait Editable: Record {
    type Patch: Sync;

    fn check(patch: &Self::Patch) -> Result<(), Error>;

    /// Changes the fields of `patch`; `None` if the object does not exist. Records with a time of change store `now`,
    /// the others ignore it.
    fn update(
        connection: &mut PgConnection,
        scope: &Scope,
        id: &Id,
        patch: &Self::Patch,
        now: DateTime<Utc>,
    ) -> impl Future<Output = sqlx::Result<Option<Self>>> + Send;
}

/// A record that has a position among the children of another.
pub(crate) trait Child: Record {
    type Parent: Record;
    type New: Sync;
    const ID_PREFIX: &str;

    fn check(new: &Self::New) -> Result<(), Error>;

    /// The position of this record in a listing.
    fn cursor(&self) -> Position;

    /// Inserts a child; [`Error::NotFound`] if the parent does not exist.
    fn insert(
        connection: &mut PgConnection,
        scope: &Scope,
        parent_id: &Id,
        id: &Id,
        new: &Self::New,
    ) -> impl Future<Output = Result<Self, Error>> + Send;

    /// The children by position; one row more than the page has.
    fn list(
        connection: &mut PgConnection,
        scope: &Scope,
        parent_id: &Id,
        page: &InOrder,
    ) -> impl Future<Output = sqlx::Result<Vec<Self>>> + Send;
}
