//! Lineage and usages over the routers, with a real Postgres.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod graph;
mod owners;
mod places;
mod random;
mod remote;
mod support;
mod usages;
