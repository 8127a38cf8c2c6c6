//! Snippets over the router, on a real database with the timeline in this process.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod batch;
mod listing;
mod rejections;
mod support;
