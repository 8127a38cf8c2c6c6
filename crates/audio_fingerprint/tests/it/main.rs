//! The library on made music.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod align;
mod conform;
mod identify;
mod landmarks;
mod music;
mod recording;
