//! Origins on a real database.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod origin_maps;
mod support;
