//! Corrections of timelines: edits that a person makes, stored as a new timeline beside the measured one.
//!
//! The corrections of an analysis form a chain: each is made of the one before it, and the newest one is in force.
//! Removing it puts the previous one, or the analysis, in force again. The analysis itself never changes.
//!
//! - [`apply()`] makes a corrected timeline of a timeline and edits; it is a pure function;
//! - [`store`] has the chain of each analysis, in the table `timeline_corrections`.

mod apply;
mod beats;
mod edit;
mod events;
mod model;
pub mod store;
#[cfg(test)]
mod tests;
mod words;

pub use apply::{EditError, apply};
pub use model::{
    CorrectedPart, Correction, CorrectionEntry, CorrectionRequest, EditOp, MAX_CORRECTIONS, MAX_EDITS,
    TimelineEdit,
};

/// Value of `backend_type` of a corrected timeline.
pub const BACKEND_TYPE: &str = "corrected";
