//! Invariants of timelines, of cutting them, and of their words.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod noise;
mod plot;
mod recordings;
mod selection;
mod slicing;
mod wire;
mod words;
