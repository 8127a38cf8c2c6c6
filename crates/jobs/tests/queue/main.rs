//! The queue against a real database, with routes whose work the tests control.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod answers;
mod events;
mod order;
mod retention;
mod support;
mod versions;
mod webhooks;
mod workers;
