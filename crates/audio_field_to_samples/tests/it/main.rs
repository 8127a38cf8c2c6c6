//! Tests of samples of generated recordings, with a real database and blob store.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod archive;
mod cutting;
mod detectors;
mod service;
mod support;
