//! The invariants of a timeline, of cutting one, and of the words on it.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod find;
mod noise;
mod plot;
mod recordings;
mod slicing;
mod wire;
mod words;
