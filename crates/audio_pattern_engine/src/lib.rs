//! Patterns: a template of steps and a sample for each role become clips with exact times.
//!
//! A pattern is a pure function of its request and is stored under the hash of it, so that a shot list can refer to
//! it by [`PatternTimeline::pattern_id`].
//!
//! - [`TEMPLATES`] holds the templates, each a [`Template`];
//! - [`PatternEngine`] is the service, [`router`] its HTTP routes;
//! - [`SplitMix64`] is the seeded generator of its variations;
//! - [`store`] finds a pattern inside another engine's transaction.

pub mod codes;
mod error;
mod humanise;
mod model;
mod plan;
mod routes;
mod service;
pub mod store;
mod template;

pub use error::Error;
pub use humanise::SplitMix64;
pub use model::{Meta, PatternClip, PatternRequest, PatternTimeline};
pub use plan::{BACKEND_VERSION, DEFAULT_CLIP_DURATION, MAX_BARS, gain_db};
pub use routes::router;
pub use service::PatternEngine;
pub use template::{STEPS_PER_BAR, STEPS_PER_BEAT, TEMPLATES, Template, TemplatePart};
