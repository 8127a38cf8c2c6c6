//! Integration tests of media_v2 through its router, with a real Postgres and a blob store in a temporary directory.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod artifacts;
mod changes;
mod content;
mod corpus;
mod form;
mod listing;
mod remote;
mod reprobe;
mod resumable;
mod resumable_refusals;
mod sources;
mod support;
mod tenancy;
mod uploads;
mod waveforms;
