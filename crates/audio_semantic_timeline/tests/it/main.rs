//! The invariants of a timeline, and of cutting one.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod find;
mod plot;
mod slicing;
mod wire;
