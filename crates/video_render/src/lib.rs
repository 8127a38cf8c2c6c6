//! Renders windows of recordings and of timelines, and shot lists, to files, with ffmpeg.
//!
//! A window `[start, end)` becomes a file whose first frame is the one visible at `start` in the source, whose last
//! frame begins before `end`, and whose audio is cut to the sample. The same bytes, window, profile and versions give
//! the same file, which is stored and reused.
//!
//! - [`Renderer`] is the service, [`router`] its HTTP interface;
//! - [`Profile`] defines the format of rendered files, as data;
//! - [`Plan`] describes a render: the argument vector of ffmpeg, built by pure functions.
//!
//! ffmpeg reads hostile files. It runs without a shell, an environment, a network protocol or a choice of demuxer, with
//! limits on time and size, and is killed when its caller stops waiting.

mod alignment;
mod arguments;
mod canvas;
mod captions;
pub mod codes;
mod colour;
mod components;
mod composition;
mod container;
mod cut;
mod error;
mod fault;
mod film;
mod frame_format;
mod layers;
mod model;
mod packet;
mod packets;
mod pixel_format;
mod plan;
mod prepare;
mod probed;
mod prober;
mod profile;
mod report;
mod routes;
mod run;
mod selection;
mod service;
mod source;
mod store;
mod target;
mod tools;
mod truncation;
mod video_filters;
mod window;

pub use confined_process::ToolError;
pub use error::Error;
pub use model::{FilmAudio, RenderRequest, RenderResponse, Rendered};
pub use plan::{Argument, Plan, PlannedSource};
pub use profile::{Fit, Profile, Rate, UnknownProfile};
pub use routes::router;
pub use run::RenderLimits;
pub use service::{RenderConfig, Renderer};
