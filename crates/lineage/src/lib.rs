//! What was made of what, across the engines: from a rendered snippet up to the window of the recording that it shows,
//! and from a second of a recording down to everything that uses it.
//!
//! - [`Lineages`] is the service, [`router`] its HTTP face;
//! - [`ArtifactLineage`]: the derivation graph around an artifact, with the origins and the clips of what is in it;
//! - [`Usage`]: one window of a recording that something uses.
//!
//! # What counts as a use
//!
//! An artifact uses its origin: the window of its origin map, or without a map `[start_ms, end_ms)` of its parent asset.
//! A shot list uses every window that its shots show, a clip what lies between its `in_ms` and `out_ms`. What has
//! neither (a sample with an effect, say) has its place through what it was made of: the lineage of each use, followed
//! down, leads to it.
//!
//! Windows are half open: what ends at an instant does not use it, and what is empty uses nothing.

mod cursor;
mod error;
mod graph;
mod model;
mod routes;
mod service;
mod store;

pub use error::Error;
pub use model::{ArtifactLineage, ClipRelation, Direction, LineageClip, Usage, UsageKind, UsageQuery};
pub use routes::router;
pub use service::Lineages;
