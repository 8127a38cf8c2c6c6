//! Cancels jobs.

use primitives::{Id, Scope};

use crate::Error;
use crate::model::{Job, JobState};
use crate::service::Jobs;
use crate::store;

impl Jobs {
    /// Cancels a job: a queued one at once, a running one within seconds. A queued one leaves nothing in the queue: its
    /// entry is removed, and its ticket is free for the tenant's next job.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Finished`]; errors of the queue and the database.
    pub async fn cancel(&self, scope: &Scope, id: &Id) -> Result<Job, Error> {
        let mut transaction = self.pool().begin().await?;
        store::lock_turn(&mut transaction, scope, id).await?;
        let changed = store::cancel(&mut transaction, scope, id, self.now()).await?;
        let job = store::find(&mut transaction, scope, id, self.now()).await?;
        if changed && job.as_ref().is_some_and(|job| job.state == JobState::Cancelled) {
            self.remove_from_queue(&mut transaction, scope, id).await?;
            store::return_turn(&mut transaction, scope, id).await?;
        }
        transaction.commit().await?;
        match job {
            None => Err(Error::NotFound(id.clone())),
            Some(job) if !changed && job.state.is_final() => Err(Error::Finished(job.id)),
            Some(job) => Ok(job),
        }
    }
}
