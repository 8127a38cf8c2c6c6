//! Renders windows of recordings and of timelines to files, with ffmpeg.
//!
//! A window `[start, end)` becomes a file whose first picture is the one that the source shows at `start`, whose
//! last picture begins before `end`, and whose sound is cut to the sample. The same bytes, window, profile and
//! versions give the same file, which is kept and handed out again.
//!
//! - [`Renderer`] is the service, [`router`] its HTTP face;
//! - [`Profile`] says what files look like, as data;
//! - [`Plan`] is what a render does: the argument vector of ffmpeg, made by pure functions.
//!
//! ffmpeg reads hostile files. It runs without a shell, an environment, a network protocol or a choice of
//! demuxer, under limits of time and size, and dies with whoever waits for it.

mod alignment;
mod arguments;
mod canvas;
mod colour;
mod composition;
mod container;
mod cut;
mod error;
mod fault;
mod frame_format;
mod layers;
mod model;
mod pixel_format;
mod plan;
mod prepare;
mod prober;
mod profile;
mod report;
mod routes;
mod run;
mod service;
mod source;
mod store;
mod subject;
mod tools;
mod truncation;
mod video_filters;

pub use confined_process::ToolError;
pub use error::Error;
pub use model::{RenderRequest, RenderResponse, Rendered};
pub use plan::{Argument, Plan, PlannedSource};
pub use profile::{Profile, Rate, UnknownProfile};
pub use routes::router;
pub use run::Limits;
pub use service::{RenderConfig, Renderer};
