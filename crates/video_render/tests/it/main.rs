//! The renderer with the real ffmpeg, and with false ones.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod frames;
mod support;
