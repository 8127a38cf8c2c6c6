//! Tests of patterns over the router, with a real database.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod requests;
mod storage;
mod support;
