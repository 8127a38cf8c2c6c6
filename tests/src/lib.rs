//! End to end: the real `harkback` binary over HTTP, on a real Postgres.
//!
//! ```no_run
//! # use serde_json::json;
//! # async fn example() {
//! let deployment = e2e::Deployment::new().await;
//! let server = deployment.start().await;
//! let api = server.api("t1", "dev");
//! let project = api.post("/video/projects", &json!({"title": "A film"})).await.ok();
//! api.get("/video/projects/nobody").await.problem(404, "project_not_found");
//! server.stop().await;
//! # }
//! ```
//!
//! - [`Deployment`]: a database and a data directory; one or more servers run on it;
//! - [`Server`]: one running process, stopped gracefully or killed when dropped;
//! - [`Api`] and [`Reply`]: calls in the name of one tenant, and what came back;
//! - [`document`]: the OpenAPI document, which every answer is held against;
//! - [`binary`]: the program itself, for tests of the command line;
//! - [`media`]: where generated fixtures and the corpus are.
//!
//! Everything here panics when a step fails, with what the server said: a test cannot go on.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed step of a test fails the test")]

mod api;
pub mod binary;
mod deployment;
pub mod document;
pub mod media;
mod server;

/// Says on standard error that a test, or a part of one, was left out. Not by `eprintln!`, which is shown of tests that
/// fail alone.
pub fn skipped(reason: &str) {
    use std::io::Write as _;
    // A closed standard error is no failure.
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}

pub use api::{Api, Reply};
pub use deployment::Deployment;
pub use server::Server;
