//! Origins and shot lists on a real database.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod aligned;
mod calls;
mod large;
mod openapi;
mod origin_maps;
mod refused;
mod sequences;
mod support;
