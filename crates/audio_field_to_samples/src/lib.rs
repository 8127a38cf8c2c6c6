//! Samples of a recording: hits, loops and phrases, detected, cut out sample-exactly, and registered with their
//! origins.
//!
//! - [`FieldToSamples`] is the service, [`router`] its HTTP routes, [`model`] has the wire types;
//! - [`hits`], [`loops`] and [`phrases`] are the detectors: pure functions of the features that
//!   [`extract`](extract::extract) extracts; [`detector`] is their interface to the service;
//! - [`cut`] makes slices of the decoder's own samples;
//! - [`SliceMeasure`] selects the measurements of a slice while it is cut;
//! - [`SliceLabel`] is the origin that the header of each slice records;
//! - [`archive`] puts samples into a ZIP archive;
//! - [`store`] stores runs, so that identical requests get the same artifacts.
//!
//! Methods, measurements and limits: `docs/samples.md`.

pub mod archive;
pub mod bands;
pub mod checks;
pub mod codes;
pub mod cut;
pub mod detector;
pub mod envelope;
mod error;
pub mod extract;
mod fade;
pub mod hits;
mod job;
pub mod loops;
mod make;
pub mod model;
pub mod phrases;
mod plan;
mod register;
pub mod request;
mod response;
mod routes;
mod service;
mod slice_label;
mod slice_meter;
mod slice_writer;
mod source;
pub mod store;
mod words;
mod zero_crossing;

pub use error::Error;
pub use plan::MAX_SAMPLES;
pub use routes::{BODY_LIMITS, router};
pub use service::FieldToSamples;
pub use slice_label::SliceLabel;
pub use slice_meter::{SliceMeasure, SliceTraits};
