//! With the real networks, where `HARKBACK_MODELS` names a directory that has them.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod real_models;
