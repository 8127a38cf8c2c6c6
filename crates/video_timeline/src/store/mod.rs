//! The SQL of this crate. Each function is one statement and runs on the caller's connection or transaction.

pub(crate) mod clip_lists;
pub(crate) mod clips;
pub(crate) mod projects;
pub(crate) mod record;
mod sequences;
mod tracks;

use primitives::Id;

use crate::error::{Entity, Error};

/// Converts a violation of the foreign key `constraint` into [`Error::NotFound`] for the parent.
fn no_parent(error: sqlx::Error, constraint: &str, kind: Entity, id: &Id) -> Error {
    let violated = error.as_database_error().and_then(|database| database.constraint());
    if violated == Some(constraint) { Error::not_found(kind, id) } else { error.into() }
}
