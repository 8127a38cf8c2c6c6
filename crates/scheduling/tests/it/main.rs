//! Tests of single flight, on a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod single_flight;
