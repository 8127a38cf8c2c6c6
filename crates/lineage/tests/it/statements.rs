//! Counts the SQL statements that sqlx logs. A test runs on one thread, with its statements.

use std::cell::Cell;
use std::sync::Once;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Starts counting, on every thread; before the first statement, or tracing may not look again.
pub(crate) fn count() {
    static START: Once = Once::new();
    START.call_once(|| tracing::subscriber::set_global_default(Counter).unwrap());
}

pub(crate) fn on_this_thread() -> usize {
    COUNT.get()
}

struct Counter;

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, _: &Event<'_>) {
        COUNT.set(COUNT.get() + 1);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
