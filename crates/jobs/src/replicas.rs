//! Processes of a service: liveness, capabilities, and whether all share one store.

use std::time::Duration;

use blob_store::{BlobError, BlobId};
use chrono::TimeDelta;
use http_kit::Id;
use tokio::time::sleep;

use crate::Error;
use crate::service::Jobs;
use crate::store::{self, ReplicaRow};

const HEARTBEAT: Duration = Duration::from_secs(2);
/// A process that has not been seen for so long is gone.
pub(crate) const LEASE: TimeDelta = TimeDelta::seconds(15);

/// What a process does for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaRole {
    /// It answers calls and runs jobs.
    All,
    /// It answers calls.
    Api,
    /// It runs jobs.
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
    /// A process that runs jobs of these kinds. `offers` is what its workers can do, or for one that only answers calls, what
    /// it promises: the words are compared.
    #[must_use]
    pub fn new(role: ReplicaRole, kinds: Vec<String>, offers: Vec<String>) -> Self {
        let id = Id::generate("replica").to_string();
        let row = ReplicaRow { id, role: Some(role.as_str().to_owned()), kinds, offers, probe_uri: None };
        Self { row, role }
    }

    /// Capabilities that this process or the others lack.
    fn mismatches(&self, others: &[ReplicaRow]) -> Vec<String> {
        let is_api = |row: &&ReplicaRow| row.role.as_deref() == Some(ReplicaRole::Api.as_str());
        match self.role {
            ReplicaRole::All => Vec::new(),
            ReplicaRole::Worker => {
                let promised = others.iter().filter(is_api).flat_map(|row| &row.offers);
                let mut lacking: Vec<&String> =
                    promised.filter(|promise| !self.row.offers.contains(promise)).collect();
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
    /// Writes a blob for others to read, and reads those of all that are alive.
    ///
    /// # Errors
    /// [`Error::OtherStore`] when one cannot be read: that process has another store. The store's and the database's.
    pub async fn share_store(&self, replica: &mut Replica) -> Result<(), Error> {
        let written = self.blobs().put(format!("harkback {}", replica.row.id).into()).await?;
        replica.row.probe_uri = Some(written.id.uri());
        let others = {
            let mut conn = self.pool().acquire().await?;
            store::live_replicas(&mut conn, &replica.row.id, self.now() - LEASE).await?
        };
        for other in others {
            let probe = other.probe_uri.as_deref().and_then(|uri| BlobId::from_uri(uri).ok());
            let Some(probe) = probe else { continue };
            match self.blobs().size(probe).await {
                Err(BlobError::NotFound(_)) => return Err(Error::OtherStore),
                found => drop(found?),
            }
        }
        Ok(())
    }

    /// Says that this process is alive, and looks at the others, until the service stops.
    pub async fn announce(self, replica: Replica) {
        tokio::select! {
            never = self.renew(&replica) => match never {},
            () = self.stopped() => {}
        }
        let forgotten = async {
            let mut conn = self.pool().acquire().await?;
            store::remove_replica(&mut conn, &replica.row.id).await
        };
        if let Err(error) = forgotten.await {
            tracing::debug!(%error, "this process is forgotten later");
        }
    }

    async fn renew(&self, replica: &Replica) -> std::convert::Infallible {
        loop {
            let now = self.now();
            let seen = async {
                let mut conn = self.pool().acquire().await?;
                store::renew_replica(&mut conn, &replica.row, now).await?;
                store::live_replicas(&mut conn, &replica.row.id, now - LEASE).await
            };
            match seen.await {
                Ok(others) => self.set_mismatches(replica.mismatches(&others)),
                Err(error) => tracing::warn!(%error, "this process cannot say that it is alive"),
            }
            sleep(HEARTBEAT).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_do_not_fit_together_say_so() {
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
        assert_eq!(
            worker.mismatches(std::slice::from_ref(&api.row)),
            ["an api process promises words, which this worker lacks"]
        );
        assert!(worker.mismatches(std::slice::from_ref(&whole.row)).is_empty(), "that one runs its own");
    }
}
