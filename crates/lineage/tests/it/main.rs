//! Lineage and usages over the routers, with a real Postgres.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod clips;
mod graph;
mod random_usages;
mod remote_timeline;
mod support;
mod tenancy;
mod usages;
