//! Removals, figures, retention and forgotten owners over the routers, with a real Postgres.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod artifacts;
mod cascade;
mod figures;
mod forget;
mod removal;
mod retention;
mod support;
