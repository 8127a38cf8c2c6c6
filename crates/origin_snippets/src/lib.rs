//! Sounds handed back as pictures: for each of a batch of audio artifacts, the window of the source video
//! that it was taken from, as a clip on a timeline and, on request, as a rendered file.
//!
//! - [`Window of a snippet`](snippet_window): the formula;
//! - [`OriginSnippets`] is the service, [`router`] its HTTP face.
//!
//! # What a crash leaves
//!
//! Renders come first: each is whole by itself, and what a retry finds. Then the timeline is made and its snippets are
//! registered, in one transaction: all, or nothing. A remote timeline is made before that transaction; a crash between
//! the two leaves it, and a retry under the same `Idempotency-Key` finds it.

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
