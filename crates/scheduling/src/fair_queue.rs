//! A queue with a limited number of slots that are shared fairly between tenants, and a limited number of waiters.
//!
//! Slots are granted by start-time fair queueing: each piece of work gets the ticket after both its tenant's last one
//! and the one now served, and the lowest ticket is next. A tenant that asks for the first time waits for the running
//! pieces and for one of each other waiting tenant, regardless of how many those have waiting. When the queue is full,
//! a tenant with fewer waiting pieces than the one with most replaces the newest piece of that one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use primitives::Id;
use tokio::sync::oneshot;

/// Weight of the newest duration in the moving average.
const NEWEST: f64 = 0.2;
/// Range of `Retry-After`, in seconds.
const RETRY_AFTER: std::ops::RangeInclusive<f64> = 1.0..=300.0;

/// The order of waiting work: the ticket, then the order of arrival.
type Order = (u64, u64);

/// The queue is full for this tenant; `retry_after_s` estimates when it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueFull {
    pub(crate) retry_after_s: u32,
}

/// What happens to work when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    /// It is refused.
    FailFast,
    /// It waits, beyond the capacity.
    Wait,
}

impl Admission {
    /// The part of the queue's capacity that a piece of work takes.
    const fn weight(self) -> usize {
        match self {
            Self::FailFast => 1,
            Self::Wait => 0,
        }
    }
}

/// The slots of a queue. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct FairQueue(Arc<Mutex<State>>);

/// The right to run; dropping it grants the slot to the next waiter.
#[derive(Debug)]
pub(crate) struct Slot {
    queue: FairQueue,
    began: Instant,
    admission: Admission,
}

#[derive(Debug)]
struct State {
    slots: usize,
    /// Capacity: running and waiting pieces.
    capacity: usize,
    free: usize,
    /// Running and waiting pieces that count against `capacity`; those of [`FairQueue::acquire`] do not.
    taken: usize,
    waiting: BTreeMap<Order, Waiting>,
    /// The last ticket of each tenant that has not been served yet.
    tickets: HashMap<Option<Id>, u64>,
    served: u64,
    came: u64,
    running: Vec<Instant>,
    /// Moving average of the durations of finished pieces, in seconds; none before the first.
    mean_s: Option<f64>,
}

#[derive(Debug)]
struct Waiting {
    tenant: Option<Id>,
    admission: Admission,
    granted: oneshot::Sender<Result<Slot, QueueFull>>,
}

impl FairQueue {
    /// A queue that runs `slots` pieces of work at once, with at most `waiting` more waiting.
    pub(crate) fn new(slots: usize, waiting: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            slots,
            capacity: slots + waiting,
            free: slots,
            taken: 0,
            waiting: BTreeMap::new(),
            tickets: HashMap::new(),
            served: 0,
            came: 0,
            running: Vec::new(),
            mean_s: None,
        })))
    }

    /// Waits for a slot, unless the queue is full or becomes full of work of tenants with fewer waiting pieces.
    pub(crate) async fn try_acquire(&self, tenant: Option<Id>) -> Result<Slot, QueueFull> {
        self.admit(tenant, Admission::FailFast).await
    }

    /// Waits for a slot, even if the queue is full.
    pub(crate) async fn acquire(&self, tenant: Option<Id>) -> Result<Slot, QueueFull> {
        self.admit(tenant, Admission::Wait).await
    }

    async fn admit(&self, tenant: Option<Id>, admission: Admission) -> Result<Slot, QueueFull> {
        let (order, granted) = {
            let mut state = self.state();
            if admission == Admission::FailFast {
                state.reserve(tenant.as_ref())?;
            }
            let order = state.order(tenant.clone());
            if state.free > 0 {
                state.free -= 1;
                return Ok(self.slot(&mut state, order, admission));
            }
            let (send, granted) = oneshot::channel();
            state.waiting.insert(order, Waiting { tenant, admission, granted: send });
            (order, granted)
        };
        let leave = Leave { queue: self, order };
        let slot = granted.await;
        std::mem::forget(leave);
        // The sender is dropped only together with the queue.
        slot.unwrap_or(Err(QueueFull { retry_after_s: 1 }))
    }

    /// Whether [`FairQueue::try_acquire`] would be admitted.
    pub(crate) fn check(&self, tenant: Option<&Id>) -> Result<(), QueueFull> {
        let state = self.state();
        if state.taken < state.capacity || state.longest(tenant).is_some() {
            Ok(())
        } else {
            Err(state.queue_full())
        }
    }

    fn slot(&self, state: &mut State, order: Order, admission: Admission) -> Slot {
        state.served = state.served.max(order.0);
        let began = Instant::now();
        state.running.push(began);
        Slot { queue: self.clone(), began, admission }
    }

    /// The lock is never poisoned: nothing panics while it is held.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reserve(&mut self, tenant: Option<&Id>) -> Result<(), QueueFull> {
        if self.taken < self.capacity {
            self.taken += 1;
            return Ok(());
        }
        let full = self.queue_full();
        let newest = self.longest(tenant).ok_or(full)?;
        if let Some(waiting) = self.remove(newest) {
            // A waiter that is gone has removed itself.
            let _ = waiting.granted.send(Err(full));
        }
        Ok(())
    }

    /// Removes a waiting piece that is not served. The tenant's last ticket is then the one of its last remaining
    /// piece, so that abandoned pieces do not delay later ones.
    fn remove(&mut self, order: Order) -> Option<Waiting> {
        let removed = self.waiting.remove(&order)?;
        let last = self.waiting.iter().rev().find(|(_, waiting)| waiting.tenant == removed.tenant);
        match last.map(|((ticket, _), _)| *ticket) {
            Some(ticket) => self.tickets.insert(removed.tenant.clone(), ticket),
            None => self.tickets.remove(&removed.tenant),
        };
        Some(removed)
    }

    /// The newest waiting piece of the tenant with most, if those are more than `tenant` would have with one more.
    fn longest(&self, tenant: Option<&Id>) -> Option<Order> {
        let mut counts: HashMap<Option<&Id>, (usize, Order)> = HashMap::new();
        for (order, waiting) in
            self.waiting.iter().filter(|(_, waiting)| waiting.admission == Admission::FailFast)
        {
            let (count, newest) = counts.entry(waiting.tenant.as_ref()).or_default();
            (*count, *newest) = (*count + 1, *order);
        }
        let own = counts.get(&tenant).map_or(0, |(count, _)| *count);
        let (most, newest) = counts.into_values().max()?;
        (most > own + 1).then_some(newest)
    }

    fn order(&mut self, tenant: Option<Id>) -> Order {
        let served = self.served;
        // Tickets that were served do not delay later work: only those of waiting tenants are kept.
        self.tickets.retain(|_, ticket| *ticket > served);
        let ticket = self.tickets.entry(tenant).or_insert(served);
        *ticket += 1;
        self.came += 1;
        (*ticket, self.came)
    }

    /// Estimates the time until all running and waiting work is done.
    fn queue_full(&self) -> QueueFull {
        let oldest = self.running.iter().map(Instant::elapsed).max().unwrap_or_default().as_secs_f64();
        let each = self.mean_s.map_or(oldest, |mean| mean.max(oldest / 2.0));
        let pieces = self.waiting.len() + self.running.len();
        #[expect(clippy::cast_precision_loss, reason = "an estimate, of thousands at most")]
        let wait = each * pieces as f64 / self.slots as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped")]
        let retry_after_s = wait.clamp(*RETRY_AFTER.start(), *RETRY_AFTER.end()).ceil() as u32;
        QueueFull { retry_after_s }
    }

    fn ended(&mut self, began: Instant) {
        if let Some(index) = self.running.iter().position(|running| *running == began) {
            self.running.swap_remove(index);
        }
        let took = began.elapsed().as_secs_f64();
        self.mean_s = Some(self.mean_s.map_or(took, |mean| mean + NEWEST * (took - mean)));
    }
}

impl Slot {
    /// Time since the slot was granted.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let unwanted = {
            let mut state = self.queue.state();
            state.ended(self.began);
            state.taken -= self.admission.weight();
            let Some((order, waiting)) = state.waiting.pop_first() else {
                state.free += 1;
                return;
            };
            let slot = self.queue.slot(&mut state, order, waiting.admission);
            waiting.granted.send(Ok(slot)).err()
        };
        // The caller disconnected at this moment: dropping the slot without the lock grants it to the next waiter.
        drop(unwanted);
    }
}

/// Removes a waiting piece from the queue when its caller disconnects.
struct Leave<'queue> {
    queue: &'queue FairQueue,
    order: Order,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        if let Some(waiting) = state.remove(self.order) {
            state.taken -= waiting.admission.weight();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> Option<Id> {
        Some(name.parse().unwrap())
    }

    /// A task that records its tenant when its slot is granted, and releases the slot.
    fn piece(
        queue: &FairQueue,
        name: &'static str,
        order: &Arc<Mutex<Vec<String>>>,
    ) -> tokio::task::JoinHandle<bool> {
        let (queue, order) = (queue.clone(), order.clone());
        tokio::spawn(async move {
            let Ok(slot) = queue.try_acquire(tenant(name)).await else { return false };
            order.lock().unwrap().push(name.to_owned());
            drop(slot);
            true
        })
    }

    async fn settled() {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn tenants_share_slots_however_many_pieces_one_has_waiting() {
        let (queue, order) = (FairQueue::new(1, 64), Arc::default());
        let running = queue.try_acquire(tenant("greedy")).await.unwrap();
        let greedy: Vec<_> = (0..30).map(|_| piece(&queue, "greedy", &order)).collect();
        settled().await;
        let other = piece(&queue, "other", &order);
        settled().await;
        drop(running);
        assert!(other.await.unwrap());
        for piece in greedy {
            assert!(piece.await.unwrap());
        }
        let position = order.lock().unwrap().iter().position(|name| name == "other").unwrap();
        assert!(position <= 1, "{position} pieces of the greedy one came first");
    }

    #[tokio::test]
    async fn full_queue_evicts_from_the_tenant_with_most_waiting() {
        let (queue, order) = (FairQueue::new(1, 4), Arc::default());
        let running = queue.try_acquire(tenant("greedy")).await.unwrap();
        let mut greedy: Vec<_> = (0..4).map(|_| piece(&queue, "greedy", &order)).collect();
        settled().await;
        assert_eq!(queue.try_acquire(tenant("greedy")).await.unwrap_err().retry_after_s, 1);
        assert!(
            queue.check(tenant("greedy").as_ref()).is_err() && queue.check(tenant("other").as_ref()).is_ok()
        );
        let others: Vec<_> = (0..2).map(|_| piece(&queue, "other", &order)).collect();
        settled().await;
        assert!(queue.check(tenant("other").as_ref()).is_err(), "half of what waits is the other's");
        assert!(!greedy.pop().unwrap().await.unwrap() && !greedy.pop().unwrap().await.unwrap());
        drop(running);
        for piece in greedy.into_iter().chain(others) {
            assert!(piece.await.unwrap());
        }
        let state = queue.state();
        assert_eq!((state.free, state.taken, state.waiting.len(), state.running.len()), (1, 0, 0, 0));
    }

    #[tokio::test]
    async fn disconnected_waiter_leaves_the_queue() {
        let queue = FairQueue::new(1, 1);
        let running = queue.try_acquire(None).await.unwrap();
        let waits = tokio::spawn({
            let queue = queue.clone();
            async move { queue.try_acquire(None).await.is_ok() }
        });
        settled().await;
        assert!(queue.check(None).is_err());
        waits.abort();
        let _ = waits.await;
        assert!(queue.check(None).is_ok());
        drop(running);
        assert!(queue.try_acquire(None).await.is_ok());
        assert_eq!(queue.state().free, 1);
    }

    #[tokio::test]
    async fn disconnected_waiters_leave_no_tickets() {
        let (queue, order) = (FairQueue::new(1, 64), Arc::default());
        let running = queue.try_acquire(tenant("impatient")).await.unwrap();
        let mut waiting: Vec<_> = (0..30).map(|_| piece(&queue, "impatient", &order)).collect();
        settled().await;
        for abandoned in waiting.drain(1..) {
            abandoned.abort();
            let _ = abandoned.await;
        }
        waiting.extend((0..3).map(|_| piece(&queue, "other", &order)));
        settled().await;
        waiting.push(piece(&queue, "impatient", &order));
        settled().await;
        drop(running);
        for piece in waiting {
            assert!(piece.await.unwrap());
        }
        assert_eq!(*order.lock().unwrap(), ["impatient", "other", "other", "impatient", "other"]);
    }

    #[tokio::test]
    async fn retry_after_follows_the_mean_duration() {
        let queue = FairQueue::new(2, 0);
        let first = queue.try_acquire(None).await.unwrap();
        let second = queue.try_acquire(None).await.unwrap();
        queue.state().mean_s = Some(40.0);
        assert_eq!(queue.check(None).unwrap_err().retry_after_s, 40, "two run, each 40 s, two at once");
        queue.state().mean_s = Some(4_000.0);
        assert_eq!(queue.check(None).unwrap_err().retry_after_s, 300);
        drop((first, second));
    }
}
