//! Tests of behaviour common to all calls, on a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod bodies;
mod idempotency;
mod support;
