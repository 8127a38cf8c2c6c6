//! Listings of samples and searches of words over the routers, with a real Postgres.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod samples;
mod search;
mod statements;
mod support;
