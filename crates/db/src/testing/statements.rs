//! Counts SQL statements, as sqlx logs them, for tests that the number of statements does not grow with the rows.

use std::cell::Cell;
use std::fmt::Debug;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The name of the pool's own statement.
const OF_POOL: &str = "db::pool_options";

thread_local! {
    static HERE: Cell<usize> = const { Cell::new(0) };
}
static EVERYWHERE: AtomicUsize = AtomicUsize::new(0);

/// Starts counting on all threads. Call it before the first statement, because tracing may cache callsites as disabled.
///
/// # Panics
/// When the process already has a tracing subscriber.
#[expect(clippy::expect_used, reason = "a count of nothing must fail the test")]
pub fn count() {
    static START: Once = Once::new();
    START.call_once(|| {
        tracing::subscriber::set_global_default(Counter).expect("no other subscriber counts statements");
    });
}

/// Number of statements of this thread. A test on a single-threaded runtime runs all its statements on one thread.
#[must_use]
pub fn on_this_thread() -> usize {
    HERE.get()
}

/// Number of statements of the whole process.
#[must_use]
pub fn on_all_threads() -> usize {
    EVERYWHERE.load(Ordering::Relaxed)
}

struct Counter;

/// What the event of a statement says.
#[derive(Default)]
struct Statement {
    /// Whether the pool runs it when a connection returns.
    is_of_pool: bool,
}

impl Visit for Statement {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.is_of_pool |= value.contains(OF_POOL);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        if statement.is_of_pool {
            return;
        }
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
