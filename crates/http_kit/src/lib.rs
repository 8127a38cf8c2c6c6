//! What every HTTP slice of harkback shares, so that each is written once.
//!
//! - [`RequestContext`]: who calls (tenant, environment, user), from headers or body;
//! - [`Problem`]: the one error shape, `application/problem+json` (RFC 9457);
//! - [`Json`], [`ContextJson`], [`UnparsedJson`], [`Path`], [`Query`]: axum's extractors with that error shape;
//! - [`null_as_default`], [`field_default!`], [`null_as_default_of!`]: fields with a default, for which null is absent;
//! - [`openapi`]: what every operation of the OpenAPI document has in common;
//! - [`Page`] and [`Cursor`]: newest-first listings;
//! - [`idempotency`]: `Idempotency-Key` on writes; [`WriteSeed`]: the ids of what they make;
//! - [`multipart`]: forms in bounded memory; [`limit_json`]: the largest JSON body;
//! - [`boundary`]: request ids, one log line per call, panics and framework errors as problems;
//! - [`WorkQueue`]: heavy work off the async threads, bounded;
//! - [`defer`] and [`begin_heavy_work`]: calls that are validated now and run later; [`WorkProgress`]: how far they are;
//! - [`Flights`]: one run for identical requests, in however many processes;
//! - [`Clock`] and [`Id`]: the only sources of time and of new identifiers.

mod access_level;
mod body;
pub mod boundary;
mod canonical;
mod clock;
mod context;
mod deferral;
mod extract;
mod failure;
mod flight;
mod id;
pub mod idempotency;
pub mod multipart;
pub mod openapi;
mod optional;
mod page;
mod problem;
mod progress;
mod reading;
mod strict;
mod tenancy;
mod turns;
mod work;
mod write_seed;

pub use access_level::AccessLevel;
pub use body::{Buffered, JsonLimit, RouteLimit, limit_json};
pub use canonical::{canonical_json, digest as json_digest};
pub use clock::{Clock, ManualClock, SystemClock};
pub use context::{ContextFields, RequestContext, Scope};
pub use deferral::{begin_heavy_work, defer};
pub use extract::{ContextJson, Json, NoQuery, Path, Query, UnparsedJson, parse_json_text, path_id};
pub use flight::{Boarding, Flight, Flights};
pub use id::{Id, InvalidId};
pub use optional::null_as_default;
pub use page::{Cursor, Page, PageParams};
pub use problem::{FieldError, Problem};
pub use progress::WorkProgress;
pub use reading::{BodyPace, BodyTimedOut};
pub use work::{Cancellation, DEFERRED, Turn, WorkError, WorkQueue};
pub use write_seed::WriteSeed;
