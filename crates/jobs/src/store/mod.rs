//! All SQL of this crate, except the queue library's own.

mod ending;
mod events;
mod queueing;
mod reading;
mod retention;
mod turns;
mod webhooks;
mod workers;

pub(crate) use ending::{
    Answer, AnswerBody, Outcome, WorkerInstruction, cancel, finish, is_wanted, order, report,
};
pub(crate) use events::{ENDED_CHANNEL, EventRow, events, has_events_after, last_event};
pub(crate) use queueing::{
    Claimed, NewRow, QueueEntry, Waiting, claim, count_ended, entry_of_ended, insert, leave_to_others,
    put_back, requeue_ended, waiting,
};
pub(crate) use reading::{MAX_INLINE_BYTES, find, list, result, state};
pub(crate) use retention::{has_queue, remove_deliveries, remove_entries, remove_finished};
pub(crate) use turns::{lock_turn, next_ticket, return_turn};
pub(crate) use webhooks::{
    DueDelivery, Sent, WebhookRow, delete_webhook, due_deliveries, finish_delivery, has_webhook,
    insert_webhook, list_deliveries, list_webhooks,
};
pub(crate) use workers::{
    ReplicaRow, Stranded, count_active, has_waited, live_replicas, remove_replica, renew_replica,
    requeue_stranded, stranded,
};
