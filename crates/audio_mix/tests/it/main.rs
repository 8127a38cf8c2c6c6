//! Tests of pattern renders over the router, with a real database and files.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod patterns;
mod support;
