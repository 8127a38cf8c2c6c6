//! Shared support for integration tests: a dev-dependency of other crates, and a dependency of `e2e` only.
//!
//! - [`files`]: fixtures, the corpus, and notices of skipped tests;
//! - [`ffmpeg`](fn@ffmpeg), [`ffprobe`], [`Recordings`]: recordings made with the installed ffmpeg;
//! - [`music`]: made music, a different piece for each seed; [`wav`](fn@wav), [`window_ms`]: small values;
//! - [`WebServer`]: a web server that answers as the test wants, also wrongly; [`Cloud`]: Google's and Azure's object stores on
//!   it;
//! - with the feature `http`: `Api` and `Reply` for calls to a router, `scope` and `context` of a caller, `wait_for` with
//!   a time limit, `with_members` of JSON objects, `resolved_references` of OpenAPI documents;
//! - with the feature `media`: `TestMedia`, a media service with its own database and files.
//!
//! Use it from `tests/` only: a crate's unit tests would see the types of that crate twice, its own and those of the
//! crate that this one was built with. All functions panic when a step fails, because the test cannot continue.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed step of a test fails the test")]

#[cfg(feature = "http")]
mod api;
#[cfg(feature = "http")]
mod caller;
mod cloud;
mod ffmpeg;
pub mod files;
#[cfg(feature = "media")]
mod media;
pub mod music;
#[cfg(feature = "http")]
mod openapi;
#[cfg(feature = "http")]
mod reply;
#[cfg(feature = "http")]
mod wait;
mod wav;
mod web_server;

#[cfg(feature = "http")]
pub use api::Api;
#[cfg(feature = "http")]
pub use caller::{context, scope};
pub use cloud::Cloud;
pub use ffmpeg::{Recordings, ffmpeg, ffprobe, program};
pub use files::{models_directory, skipped};
#[cfg(feature = "media")]
pub use media::{TestMedia, new_hit, post_artifact};
#[cfg(feature = "http")]
pub use openapi::resolved_references;
#[cfg(feature = "http")]
pub use reply::{Reply, with_members};
#[cfg(feature = "http")]
pub use wait::wait_for;
pub use wav::wav;
pub use web_server::{Exchange, WebServer};

/// The window from `start` to `end` in milliseconds.
///
/// # Panics
/// When it ends before its start.
#[must_use]
pub fn window_ms<T: media_time::Instant>(start: i64, end: i64) -> media_time::Window<T> {
    let [start, end] = [start, end].map(|time| T::at(media_time::MediaTime::from_millis(time)));
    media_time::Window::new(start, end).expect("a window ends after its start")
}
