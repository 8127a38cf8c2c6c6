//! Tests of identifying, aligning and conforming over the routers, with a real database and files.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod align;
mod conform;
mod music;
mod support;
