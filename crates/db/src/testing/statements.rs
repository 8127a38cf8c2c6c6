//! Counts SQL statements, as sqlx logs them: that their number does not grow with the rows is a property of a query.

use std::cell::Cell;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    static HERE: Cell<usize> = const { Cell::new(0) };
}
static EVERYWHERE: AtomicUsize = AtomicUsize::new(0);

/// Starts counting, on every thread; before the first statement, or tracing may not look again.
///
/// # Panics
/// When the process has a subscriber of its own already.
#[expect(clippy::expect_used, reason = "a count of nothing must fail the test")]
pub fn count() {
    static START: Once = Once::new();
    START.call_once(|| {
        tracing::subscriber::set_global_default(Counter).expect("no other subscriber counts statements");
    });
}

/// Those of this thread: a test on a single-threaded runtime runs on one, with its statements.
#[must_use]
pub fn on_this_thread() -> usize {
    HERE.get()
}

/// Those of the process.
#[must_use]
pub fn on_all_threads() -> usize {
    EVERYWHERE.load(Ordering::Relaxed)
}

struct Counter;

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, _: &Event<'_>) {
        HERE.set(HERE.get() + 1);
        EVERYWHERE.fetch_add(1, Ordering::Relaxed);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
