//! Tests against a database and a token issuer, one binary.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod jwt;
mod links;

use std::sync::Arc;

use chrono::DateTime;
use primitives::ManualClock;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap()))
}
