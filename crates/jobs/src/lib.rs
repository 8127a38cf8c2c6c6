//! Jobs: work that continues after its request.
//!
//! A heavy call is validated as always; where its heavy work would begin it becomes a job ([`run_as_jobs`]), and its
//! caller waits for the job, or asks again with `Prefer: respond-async`. A worker ([`Worker`]) sends the same request
//! to the service's own router, whose handlers report progress and are dropped when the job is cancelled. So all work
//! runs through one path.
//!
//! - [`Jobs`] enqueues, reads, cancels and repeats jobs; [`router`] is its HTTP interface;
//! - webhooks notify an owner of state changes, by the Standard Webhooks specification ([`webhooks_router`]);
//! - [`HEAVY_CALLS`] are the calls that can be jobs;
//! - the queue is graphile_worker's; the rows that callers see are in this crate's tables.

mod admission;
mod attempt;
mod cancelling;
pub mod codes;
mod dispatch;
mod error;
mod events;
mod heavy_calls;
pub mod model;
mod openapi;
mod prefer;
mod queueing;
mod replicas;
mod retention;
mod routes;
mod service;
mod store;
mod webhooks;
mod worker;

pub use admission::JobLimits;
pub use dispatch::run_as_jobs;
pub use error::Error;
pub use heavy_calls::{HEAVY_CALLS, HeavyCall, Lane};
pub use openapi::describe_calls;
pub use queueing::migrate;
pub use replicas::{Capabilities, RENDERS, Replica, ReplicaRole};
pub use retention::forget_entries;
pub use routes::router;
pub use service::{JobSettings, Jobs, NewJob};
pub use webhooks::router as webhooks_router;
pub use worker::{Worker, WorkerSettings};
