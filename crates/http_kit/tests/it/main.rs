//! What holds for every call, on a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod bodies;
mod flights;
mod idempotency;
mod support;
