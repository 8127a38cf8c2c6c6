//! Transfers from web servers and object stores in the process of the test, also from hostile ones.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod beyond;
mod clouds;
mod hostile;
mod objects;
mod resumed;
mod support;
