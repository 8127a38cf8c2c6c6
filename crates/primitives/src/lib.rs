//! Types and values that every crate of the service shares, without I/O and without HTTP.
//!
//! - [`Clock`], [`Id`] and [`random_bytes`]: the only sources of time, of new identifiers and of secrets;
//! - [`Scope`]: the owner of a row; [`AccessLevel`]: what a caller may do;
//! - [`WriteSeed`]: the ids of what a write under an `Idempotency-Key` makes;
//! - [`Page`], [`PageLimit`] and [`KeysetCursor`]: listings;
//! - [`canonical_json`]: one text for equal values; [`contains_nul`]: JSON that Postgres cannot store.

mod access_level;
mod canonical;
mod clock;
mod id;
mod keyset;
mod nul;
mod page;
mod random;
mod scope;
mod write_seed;

pub use access_level::AccessLevel;
pub use canonical::canonical_json;
pub use clock::{Clock, ManualClock, SystemClock};
pub use id::{Id, InvalidId};
pub use keyset::{CursorPart, KeysetCursor};
pub use nul::contains_nul;
pub use page::{InvalidPage, Page, PageLimit, PageParams};
pub use random::{NoRandomBytes, random_bytes};
pub use scope::Scope;
pub use write_seed::WriteSeed;
