//! A thread that owns a state and runs jobs on it, one after the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Capacity of the job queue; a full queue blocks the caller. Each caller has at most one job in it.
const QUEUE: usize = 16;
/// Interval at which a waiting caller polls its cancellation.
const POLL: Duration = Duration::from_millis(20);

type EngineJob<S> = Box<dyn FnOnce(&mut S) + Send>;

/// A flag that stops a running job.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a job has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobError {
    /// The caller cancelled the job.
    Cancelled,
    /// The thread has ended.
    Ended,
}

/// Handle of the thread. When it is dropped, the thread ends after its current job.
#[derive(Debug)]
pub(crate) struct Engine<S> {
    jobs: SyncSender<EngineJob<S>>,
    thread: JoinHandle<()>,
}

impl<S: 'static> Engine<S> {
    /// Starts a thread that makes its own `S`, and waits until it is made.
    ///
    /// # Errors
    /// Those of `make`; `None` when no thread can be started.
    pub(crate) fn start<E: Send + 'static>(
        name: &str,
        make: impl FnOnce() -> Result<S, E> + Send + 'static,
    ) -> Result<Self, Option<E>> {
        let (jobs, queue) = sync_channel::<EngineJob<S>>(QUEUE);
        let (ready, made) = sync_channel(1);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut owned = match make() {
                Ok(owned) => owned,
                Err(error) => return drop(ready.send(Err(error))),
            };
            let _ = ready.send(Ok(()));
            while let Ok(job) = queue.recv() {
                job(&mut owned);
            }
        });
        let thread = thread.map_err(|_| None)?;
        match made.recv() {
            Ok(Ok(())) => Ok(Self { jobs, thread }),
            Ok(Err(error)) => Err(Some(error)),
            Err(_) => Err(None),
        }
    }

    /// Whether the thread has ended, which only a panic causes.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Runs `work` on the thread and waits for its result.
    ///
    /// # Errors
    /// See [`JobError`].
    pub(crate) fn run<T: Send + 'static>(
        &self,
        cancelled: &dyn Fn() -> bool,
        work: impl FnOnce(&mut S, &StopFlag) -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let stop = StopFlag::default();
        let (reply, answer) = sync_channel(1);
        let job: EngineJob<S> = {
            let stop = stop.clone();
            Box::new(move |owned| {
                if !stop.is_set() {
                    // The receiver is gone when the caller was cancelled in the meantime.
                    let _ = reply.send(work(owned, &stop));
                }
            })
        };
        self.jobs.send(job).map_err(|_| JobError::Ended)?;
        loop {
            match answer.recv_timeout(POLL) {
                Ok(result) => return Ok(result),
                Err(RecvTimeoutError::Disconnected) => return Err(JobError::Ended),
                Err(RecvTimeoutError::Timeout) if cancelled() => {
                    stop.0.store(true, Ordering::Relaxed);
                    return Err(JobError::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// A fixed pool of engines.
#[derive(Debug)]
pub(crate) struct EnginePool<S> {
    engines: Vec<Engine<S>>,
    idle: Mutex<Vec<usize>>,
    freed: Condvar,
}

impl<S: 'static> EnginePool<S> {
    /// Starts `count` threads, each with its own `S`.
    ///
    /// # Errors
    /// See [`Engine::start`].
    pub(crate) fn start<E: Send + 'static, M>(
        name: &str,
        count: usize,
        mut maker: impl FnMut() -> M,
    ) -> Result<Self, Option<E>>
    where
        M: FnOnce() -> Result<S, E> + Send + 'static,
    {
        let engines = (0..count).map(|_| Engine::start(name, maker())).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { engines, idle: Mutex::new((0..count).rev().collect()), freed: Condvar::new() })
    }

    pub(crate) fn count(&self) -> usize {
        self.engines.len()
    }

    /// Whether one of the threads has ended.
    pub(crate) fn have_ended(&self) -> bool {
        self.engines.iter().any(Engine::has_ended)
    }

    /// Runs `work` on the first idle engine.
    ///
    /// # Errors
    /// See [`Engine::run`].
    pub(crate) fn run<T: Send + 'static>(
        &self,
        cancelled: &dyn Fn() -> bool,
        work: impl FnOnce(&mut S, &StopFlag) -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let engine = self.acquire(cancelled)?;
        let done = self.engines[engine].run(cancelled, work);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(engine);
        self.freed.notify_one();
        done
    }

    fn acquire(&self, cancelled: &dyn Fn() -> bool) -> Result<usize, JobError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(engine) = idle.pop() {
                return Ok(engine);
            }
            if cancelled() {
                return Err(JobError::Cancelled);
            }
            idle = self.freed.wait_timeout(idle, POLL).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_run_in_order_on_the_state_of_the_thread() {
        let engine = Engine::start("counter", || Ok::<_, ()>(0)).unwrap();
        let count = |_| engine.run(&|| false, |count, _| std::mem::replace(count, *count + 1)).unwrap();
        assert_eq!((0..3).map(count).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn start_returns_the_error_of_make() {
        assert_eq!(Engine::<()>::start("broken", || Err("no")).unwrap_err(), Some("no"));
    }

    #[test]
    fn cancelled_job_is_stopped() {
        let engine = Engine::start("waiter", || Ok::<_, ()>(())).unwrap();
        let (stopped, seen) = sync_channel(1);
        let waits = engine.run(&|| true, move |(), stop| {
            while !stop.is_set() {
                std::thread::yield_now();
            }
            stopped.send(()).unwrap();
        });
        assert_eq!(waits, Err(JobError::Cancelled));
        seen.recv().unwrap();
        assert_eq!(engine.run(&|| false, |(), _| 7), Ok(7));
    }

    #[test]
    fn panicked_thread_ends_the_engine() {
        let engine = Engine::start("panicking", || Ok::<_, ()>(())).unwrap();
        assert_eq!(engine.run(&|| false, |(), _| panic!("on purpose")), Err(JobError::Ended));
        assert_eq!(engine.run(&|| false, |(), _| ()), Err(JobError::Ended));
    }
}
