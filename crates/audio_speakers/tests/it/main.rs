//! Tests with the real networks; skipped unless the directory of `HARKBACK_MODELS` has them.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod real_models;
