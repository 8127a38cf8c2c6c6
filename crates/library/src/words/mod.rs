//! Search of spoken words.

mod cursor;
mod matches;
mod model;
mod query;
pub(crate) mod store;
mod terms;

pub use model::{Place, SearchHit, SearchMatch, SearchQuery, SpokenWord};

pub(crate) use cursor::SearchKey;
pub(crate) use query::{Query, Term};
pub(crate) use terms::{Lexemes, TermTable, term_table};
