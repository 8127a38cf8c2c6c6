//! End-to-end tests: the real `harkback` binary over HTTP, on a real Postgres.
//!
//! ```no_run
//! # use serde_json::json;
//! # async fn example() {
//! let deployment = e2e::Deployment::new().await;
//! let server = deployment.start().await;
//! let api = server.api("t1", "dev");
//! let project = api.post("/video/projects", &json!({"title": "A film"})).await.ok();
//! api.get("/video/projects/missing").await.problem(404, "project_not_found");
//! server.stop().await;
//! # }
//! ```
//!
//! - [`Deployment`]: a database and a data directory; one or more servers run on it;
//! - [`Server`]: one running process, stopped gracefully or killed when dropped;
//! - [`Api`] and [`Reply`]: calls by one tenant, and their answers;
//! - [`document`]: the OpenAPI document, against which every answer is checked;
//! - [`binary`]: the program itself, for tests of the command line;
//! - [`media`]: paths of generated fixtures and of the corpus.
//!
//! All functions panic when a step fails, with the server's answer, because the test cannot continue.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed step of a test fails the test")]

mod api;
pub mod binary;
mod deployment;
pub mod document;
mod server;

pub use api::Api;
pub use deployment::Deployment;
pub use server::Server;
pub use test_kit::{Reply, files as media, skipped};
