//! Integration tests of the renderer, with the real ffmpeg and with fake ones.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod alignment;
mod captions;
mod colours;
mod damage;
mod failures;
mod films;
mod frames;
mod last_frame;
mod reuse;
mod seeking;
mod sources;
mod support;
mod timelines;
