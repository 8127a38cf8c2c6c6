//! Tests of single flight, on a real database.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod single_flight;
