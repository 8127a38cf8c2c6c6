//! Samples of a recording: hits, loops and phrases, found, cut out exactly, and registered with where they came from.
//!
//! - [`FieldToSamples`] is the service, [`router`] its HTTP face, [`model`] holds the wire types;
//! - [`hits`], [`loops`] and [`phrases`] are the detectors: pure functions over what [`listen`](listen::listen) heard;
//! - [`cut`] makes slices that hold the decoder's own samples;
//! - [`store`] keeps runs, so that an identical request gets the same artifacts.
//!
//! Methods, figures and limits: `docs/samples.md`.

mod answer;
pub mod bands;
pub mod cut;
pub mod envelope;
mod error;
mod fade;
pub mod hits;
mod keep;
pub mod listen;
pub mod loops;
mod make;
pub mod model;
pub mod params;
pub mod phrases;
mod plan;
mod register;
mod routes;
mod service;
pub mod store;
mod task;
mod wav;
mod words;
mod zero_crossing;

pub use error::Error;
pub use plan::MAX_SAMPLES;
pub use routes::router;
pub use service::FieldToSamples;
