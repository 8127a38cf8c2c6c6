//! What one process does at once, and how much of it may wait: the only place where the wiring gets these numbers.
//!
//! Limits of a single call (sizes and times) are settings of their own, and the memory of bodies that are read at once is
//! a constant of `http_kit`.

use jobs::Lane;
use scheduling::WorkQueue;

use crate::config::Config;

/// Connections of the database that listen for jobs: one for each lane, and one for the ends of jobs.
const LISTENING_CONNECTIONS: u32 = Lane::ALL.len() as u32 + 1;

/// A number of pieces of work that run at once, and of further ones that may wait; beyond it the answer is 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueSize {
    /// Maximum number that runs at once.
    pub(crate) running: usize,
    /// Maximum number that waits.
    pub(crate) waiting: usize,
}

impl QueueSize {
    /// A queue of this size.
    pub(crate) fn queue(self, name: &'static str) -> WorkQueue {
        WorkQueue::new(name, self.running, self.waiting)
    }
}

/// What one process does at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Open connections of callers; further ones are accepted when one ends.
    pub(crate) connections: usize,
    /// Requests of one tenant that are in flight; beyond it 503.
    pub(crate) requests_of_tenant: usize,
    /// Connections of the pool to the database: those that answer calls, and those that listen for jobs.
    pub(crate) database_connections: u32,
    /// Uploads of one tenant.
    pub(crate) uploads_of_tenant: QueueSize,
    /// Files whose format is probed; the same number of waveforms is computed beside them.
    pub(crate) probes: QueueSize,
    /// Recordings that are analysed or cut into samples.
    pub(crate) analyses: QueueSize,
    /// Threads of one analysis. The number does not affect the result.
    pub(crate) analysis_threads: usize,
    /// Speech models in memory.
    pub(crate) speech_models: usize,
    /// Renders, each a process of ffmpeg that uses all cores.
    pub(crate) renders: QueueSize,
    /// Shot lists that are read or written, and exports: each may take a few hundred megabytes, and at most seconds.
    pub(crate) shot_lists: QueueSize,
    /// Files that are fetched from other servers, which take memory for a piece each.
    pub(crate) fetches: usize,
    /// Queued jobs of one tenant, in all processes together; beyond it 429.
    pub(crate) jobs_of_tenant: i64,
    /// Queued jobs of all tenants, in all processes together; beyond it 503.
    pub(crate) jobs: i64,
}

impl Capacity {
    /// The capacity of a service on this machine.
    pub(crate) fn of_service(config: &Config) -> Self {
        // Two analyses run at once by default.
        Self::new(config, cores().div_ceil(2))
    }

    /// The capacity of a command that analyses one file, which has all cores.
    pub(crate) fn of_command(config: &Config) -> Self {
        Self::new(config, cores())
    }

    /// The capacity for `config`; `threads` of one analysis if it sets none.
    fn new(config: &Config, threads: usize) -> Self {
        Self {
            connections: config.max_connections,
            requests_of_tenant: (config.max_connections / 2).max(1),
            database_connections: config.database_connections.saturating_add(LISTENING_CONNECTIONS),
            uploads_of_tenant: QueueSize { running: 8, waiting: 56 },
            probes: QueueSize { running: 2, waiting: 64 },
            analyses: QueueSize { running: config.analysis_workers, waiting: config.analysis_queue },
            analysis_threads: config.analysis_threads.unwrap_or(threads),
            // The one in use, and its predecessor while calls that use it finish.
            speech_models: 2,
            renders: QueueSize { running: config.render_workers, waiting: config.render_queue },
            shot_lists: QueueSize { running: 2, waiting: 32 },
            fetches: config.fetch_workers,
            jobs_of_tenant: 10_000,
            jobs: 100_000,
        }
    }

    /// Number of jobs of each lane that this process runs at once: as many as its queue would.
    pub(crate) fn job_slots(&self) -> Vec<(Lane, usize)> {
        let slots = |lane| match lane {
            Lane::Analysis => self.analyses.running,
            Lane::Render => self.renders.running,
            Lane::ShotLists => self.shot_lists.running,
            Lane::Fetches => self.fetches,
        };
        Lane::ALL.into_iter().map(|lane| (lane, slots(lane))).collect()
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::default();
        change(&mut config);
        config
    }

    #[test]
    fn settings_determine_queues_and_job_slots() {
        let config = config(|config| {
            (config.analysis_workers, config.analysis_queue) = (3, 5);
            (config.render_workers, config.render_queue) = (0, 7);
            (config.max_connections, config.database_connections) = (11, 6);
            config.fetch_workers = 9;
        });
        let capacity = Capacity::new(&config, 4);
        assert_eq!(capacity.analyses, QueueSize { running: 3, waiting: 5 });
        assert_eq!(capacity.renders, QueueSize { running: 0, waiting: 7 });
        assert_eq!((capacity.connections, capacity.database_connections), (11, 11));
        assert_eq!(capacity.requests_of_tenant, 5);
        let single = Capacity::new(&self::config(|config| config.max_connections = 1), 4);
        assert_eq!(single.requests_of_tenant, 1, "a tenant may always send a request");
        let slots = [(Lane::Analysis, 3), (Lane::Render, 0), (Lane::ShotLists, 2), (Lane::Fetches, 9)];
        assert_eq!(capacity.job_slots(), slots);
    }

    #[test]
    fn threads_of_an_analysis_follow_the_setting_and_else_the_cores() {
        let threads = |setting| {
            let config = config(|config| config.analysis_threads = setting);
            let (service, command) = (Capacity::of_service(&config), Capacity::of_command(&config));
            [service.analysis_threads, command.analysis_threads]
        };
        assert_eq!(threads(Some(3)), [3, 3]);
        let [service, command] = threads(None);
        assert_eq!(service, command.div_ceil(2));
        assert!(service >= 1);
    }
}
