//! Tests of the timeline's interfaces: over HTTP, and through both implementations of the client.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod batches;
mod clips;
mod conformance;
mod edits;
mod hierarchy;
mod http_client;
mod malformed_requests;
mod openapi;
mod support;
