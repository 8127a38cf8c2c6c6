//! The only SQL of this crate, but for the queue's own.

mod ending;
mod events;
mod queueing;
mod reading;

pub(crate) use ending::{Outcome, cancel, finish, is_cancelled, remove_finished, report};
pub(crate) use events::{EventRow, events, last_event};
pub(crate) use queueing::{Claimed, NewRow, claim, insert, next_ticket, put_back, requeue_ended, waiting};
pub(crate) use reading::{find, list, result};
