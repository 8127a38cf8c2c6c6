//! Processes of a service: liveness, capabilities, and the check that all share one blob store.

use std::time::Duration;

use blob_store::{BlobError, BlobId};
use futures::future::BoxFuture;
use primitives::Id;
use tokio::time::sleep;

use crate::Error;
use crate::service::Jobs;
use crate::store::{self, ReplicaRow};

const HEARTBEAT: Duration = Duration::from_secs(2);
/// Interval at which a process re-reads its own capabilities, in heartbeats.
const REFRESH: u32 = 15;

/// Name of the capability to render; all others belong to analysis.
pub const RENDERS: &str = "renders";

/// Reads the capabilities that a worker offers, or that an api process promises.
pub type Capabilities = Box<dyn Fn() -> BoxFuture<'static, Vec<String>> + Send + Sync>;

/// Role of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaRole {
    /// Answers calls and runs jobs.
    All,
    /// Answers calls, but runs no jobs.
    Api,
    /// Runs jobs, but answers no calls.
    Worker,
}

impl ReplicaRole {
    const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }
}

/// A process of the service: role, kinds of jobs, capabilities.
#[derive(Clone, Debug)]
pub struct Replica {
    row: ReplicaRow,
    role: ReplicaRole,
}

impl Replica {
    /// A process that runs jobs of `kinds`. `offers` are the capabilities of its workers, or, for a process that only
    /// answers calls, those that it promises; they are compared as strings.
    #[must_use]
    pub fn new(role: ReplicaRole, kinds: Vec<String>, offers: Vec<String>) -> Self {
        let id = Id::generate("replica").to_string();
        let row = ReplicaRow { id, role: Some(role.as_str().to_owned()), kinds, offers, probe_uri: None };
        Self { row, role }
    }

    /// Whether this process runs jobs that need `capability`.
    fn runs(&self, capability: &str) -> bool {
        let kind = if capability == RENDERS { "render" } else { "analyze" };
        self.row.kinds.iter().any(|known| known == kind)
    }

    /// Capabilities that this process or the others lack.
    fn mismatches(&self, others: &[ReplicaRow]) -> Vec<String> {
        let is_api = |row: &&ReplicaRow| row.role.as_deref() == Some(ReplicaRole::Api.as_str());
        match self.role {
            ReplicaRole::All => Vec::new(),
            ReplicaRole::Worker => {
                let promised = others.iter().filter(is_api).flat_map(|row| &row.offers);
                let mut lacking: Vec<&String> = promised
                    .filter(|promise| self.runs(promise) && !self.row.offers.contains(promise))
                    .collect();
                lacking.sort();
                lacking.dedup();
                let text =
                    |promise: &String| format!("an api process promises {promise}, which this worker lacks");
                lacking.into_iter().map(text).collect()
            }
            ReplicaRole::Api => {
                let workers: Vec<&ReplicaRow> = others.iter().filter(|row| !row.kinds.is_empty()).collect();
                if workers.is_empty() {
                    return vec!["no worker is alive: jobs wait".to_owned()];
                }
                let is_offered = |promise: &&String| workers.iter().any(|row| row.offers.contains(promise));
                let text = |promise: &String| format!("no live worker offers {promise}");
                self.row.offers.iter().filter(|promise| !is_offered(promise)).map(text).collect()
            }
        }
    }
}

impl Jobs {
    /// Writes a probe blob for the other processes, and reads the probes of all live ones.
    ///
    /// # Errors
    /// [`Error::OtherStore`] when a probe cannot be read: that process uses another store. Errors of the store and the
    /// database.
    pub async fn share_store(&self, replica: &mut Replica) -> Result<(), Error> {
        let written = self.blobs().put(format!("harkback {}", replica.row.id).into()).await?;
        replica.row.probe_uri = Some(written.id.uri());
        for other in self.others(replica).await? {
            let probe = other.probe_uri.as_deref().and_then(|uri| BlobId::from_uri(uri).ok());
            let Some(probe) = probe else { continue };
            match self.blobs().size(probe).await {
                // A stopping process removes its row first, then its probe.
                Err(BlobError::NotFound(_))
                    if self.others(replica).await?.iter().all(|live| live.id != other.id) => {}
                Err(BlobError::NotFound(_)) => return Err(Error::OtherStore),
                found => drop(found?),
            }
        }
        Ok(())
    }

    /// All other live processes.
    async fn others(&self, replica: &Replica) -> sqlx::Result<Vec<ReplicaRow>> {
        store::live_replicas(&mut *self.pool().acquire().await?, &replica.row.id).await
    }

    /// Writes heartbeats of this process and compares it with the others, until the service stops. `offers` re-reads
    /// its capabilities.
    pub async fn announce(self, mut replica: Replica, offers: Capabilities) {
        tokio::select! {
            never = self.renew(&mut replica, &offers) => match never {},
            () = self.stopped() => {}
        }
        let forgotten = async {
            let mut conn = self.pool().acquire().await?;
            store::remove_replica(&mut conn, &replica.row.id).await
        };
        if let Err(error) = forgotten.await {
            // The probe stays as long as the row: without it, the others would conclude that the stores differ.
            tracing::debug!(%error, "the row of this process is removed later");
            return;
        }
        let probe = replica.row.probe_uri.as_deref().and_then(|uri| BlobId::from_uri(uri).ok());
        if let Some(probe) = probe
            && let Err(error) = self.blobs().remove_written_before(probe, self.now().into()).await
        {
            tracing::debug!(%error, "a probe blob is left to garbage collection");
        }
    }

    async fn renew(&self, replica: &mut Replica, offers: &Capabilities) -> std::convert::Infallible {
        let mut beat = 0_u32;
        loop {
            beat = beat.wrapping_add(1);
            if beat.is_multiple_of(REFRESH) {
                replica.row.offers = offers().await;
            }
            let seen = async {
                let mut conn = self.pool().acquire().await?;
                store::renew_replica(&mut conn, &replica.row).await?;
                store::live_replicas(&mut conn, &replica.row.id).await
            };
            match seen.await {
                Ok(others) => self.set_mismatches(replica.mismatches(&others)),
                Err(error) => tracing::warn!(%error, "the heartbeat of this process cannot be written"),
            }
            sleep(HEARTBEAT).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mismatches_of_capabilities_are_reported() {
        let replica = |role, kinds: &[&str], offers: &[&str]| {
            let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
            Replica::new(role, texts(kinds), texts(offers))
        };
        let api = replica(ReplicaRole::Api, &[], &["renders", "words"]);
        let worker = replica(ReplicaRole::Worker, &["render"], &["renders"]);
        let whole = replica(ReplicaRole::All, &["render"], &["renders", "words"]);
        assert_eq!(api.mismatches(&[]), ["no worker is alive: jobs wait"]);
        assert_eq!(api.mismatches(std::slice::from_ref(&worker.row)), ["no live worker offers words"]);
        assert!(api.mismatches(&[worker.row.clone(), whole.row.clone()]).is_empty());
        let lacking = replica(ReplicaRole::Worker, &["analyze"], &[]);
        assert_eq!(
            lacking.mismatches(std::slice::from_ref(&api.row)),
            ["an api process promises words, which this worker lacks"],
            "and no renders, which it does not run"
        );
        assert!(worker.mismatches(std::slice::from_ref(&api.row)).is_empty());
        assert!(worker.mismatches(std::slice::from_ref(&whole.row)).is_empty(), "role `all` needs no others");
    }
}
