//! Video snippets for audio artifacts: for each artifact of a batch, the window of the source video that it was taken
//! from, as a clip on a timeline and, on request, as a rendered file.
//!
//! - [`snippet_window`] is the formula of a snippet's window;
//! - [`OriginSnippets`] is the service, [`router`] its HTTP interface.
//!
//! # Crash behaviour
//!
//! Renders come first: each is complete by itself, and a retry finds it. Then the timeline is created and its snippets
//! are registered in one transaction. A remote timeline is created before that transaction; a crash between the two
//! leaves the timeline, and a retry with the same `Idempotency-Key` finds it.

pub mod codes;
mod error;
mod listing;
mod model;
mod plan;
mod routes;
mod service;
mod store;
mod window;
mod write;

pub use error::Error;
pub use model::{BatchRequest, BatchResult, Meta, Mode, OriginSnippet, ResultMeta, SnippetItem};
pub use plan::{OP_TYPE, OP_VERSION};
pub use routes::{BODY_LIMITS, router};
pub use service::OriginSnippets;
pub use window::snippet_window;
