//! When heavy work runs, and how often: bounded queues, single flight, deferral, cancellation and progress.
//!
//! - [`WorkQueue`]: bounded queue of heavy work on blocking threads, whose slots tenants share fairly;
//!   [`Cancellation`]: the flag that work polls;
//! - [`SingleFlight`]: identical requests of all processes do their work once;
//! - [`defer`] and [`begin_heavy_work`]: calls that are validated now and run later;
//! - [`WorkProgress`]: stage and completed fraction of work, for its observers;
//! - [`tenancy`]: the tenant of the current call.

mod deferral;
mod fair_queue;
mod progress;
mod single_flight;
pub mod tenancy;
mod work_queue;

pub use deferral::{begin_heavy_work, defer, run_undeferred};
pub use progress::WorkProgress;
pub use single_flight::{Acquisition, FlightGuard, SingleFlight};
pub use work_queue::{CancelOnDrop, Cancellation, WorkError, WorkQueue, WorkSlot};
