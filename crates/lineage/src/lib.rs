//! Lineage across the engines: from a rendered snippet up to the window of the recording that it shows, and from a
//! second of a recording down to everything that uses it.
//!
//! - [`Lineages`] is the service, [`router`] its HTTP interface;
//! - [`ArtifactLineage`]: the derivation graph around an artifact, with the origins and the clips of its nodes;
//! - [`Usage`]: one window of a recording that an artifact or clip uses.
//!
//! # What counts as a use
//!
//! An artifact uses its origin: the window of its origin map, or without a map `[start_ms, end_ms)` of its parent
//! asset. A shot list uses every window that its shots show, a clip the window from `in_ms` to `out_ms`. An artifact
//! with neither (such as a sample with an effect) is found through its upstream artifacts: the lineage of each use,
//! followed down, leads to it.
//!
//! Windows are half-open: a use that ends at an instant does not include it, and an empty window uses nothing.

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
