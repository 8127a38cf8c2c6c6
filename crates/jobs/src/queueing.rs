//! Adds jobs to the queue: on acceptance, when put back or retried, or when their entry is lost.

use blob_store::BlobId;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use graphile_worker::{JobSpec, WorkerUtils};
use http_kit::RequestContext;
use primitives::{Id, Scope, WriteSeed};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;

use crate::Error;
use crate::admission::{RECENT, retry_after_s};
use crate::heavy_calls::{HeavyCall, Lane, payload_name};
use crate::model::{Job, JobPriority, JobState};
use crate::service::{Jobs, NewJob, QUEUE_SCHEMA};
use crate::store::{self, Claimed, MAX_INLINE_BYTES, NewRow, QueueEntry, Stranded, Waiting};
use crate::worker::{RunJob, task_of};

/// The queue's own limit of starts is not used: starts are counted in the job's row.
const MAX_ATTEMPTS: i16 = i16::MAX;
/// Advisory lock held while the queue's schema is migrated: the library takes none.
const MIGRATION_LOCK: i64 = 0x6a_6f62_7371;

impl Jobs {
    /// Accepts a job: its row and its entry in the queue are written in one transaction.
    ///
    /// # Errors
    /// [`Error::TooManyOfTenant`], [`Error::TooMany`]; errors of the queue, the blob store and the database.
    pub async fn enqueue(&self, context: &RequestContext, new: NewJob) -> Result<Job, Error> {
        let id = Id::for_write("job", 0);
        // After a crash, a retry under the same Idempotency-Key finds the job of the first attempt, and runs it again
        // if it has failed, because failures are not stored under the key.
        if WriteSeed::current().is_some() {
            match self.get(&context.scope, &id).await {
                Ok(job) if matches!(job.state, JobState::Failed | JobState::Cancelled) => {
                    return self.retry(&context.scope, &id).await;
                }
                Err(Error::NotFound(_)) => {}
                found => return found,
            }
        }
        self.check_queue_limits(&context.scope.tenant_id).await?;
        let user = context.user_id.as_ref().map_or("", Id::as_str);
        let work =
            Sha256::new().chain_update(&new.path).chain_update([0]).chain_update(user).chain_update([0]);
        let work = match http_kit::json_digest(&new.body) {
            Some(digest) => work.chain_update(digest),
            None => work.chain_update(&new.body),
        };
        let (body, uri) = self.keep_body(new.body).await?;
        let mut transaction = self.pool().begin().await?;
        let row = NewRow {
            scope: &context.scope,
            id,
            user_id: context.user_id.as_ref(),
            kind: new.call.kind,
            lane: new.call.lane,
            payload_version: new.call.payload_version,
            priority: new.priority,
            request_id: &context.request_id,
            level: new.level,
            path: &new.path,
            body: &body,
            body_uri: uri.as_deref(),
            work: work.finalize().into(),
            trace_parent: new.trace.map(|trace| trace.to_string()),
        };
        let (lane, priority) = (row.lane.as_str(), new.priority.as_str());
        let tenant_id = &context.scope.tenant_id;
        let ticket = store::next_ticket(&mut transaction, lane, priority, tenant_id).await?;
        store::insert(&mut transaction, &row, ticket, self.now()).await?;
        let entry = QueueEntry {
            kind: row.kind.to_owned(),
            lane: lane.to_owned(),
            payload_version: row.payload_version,
            priority: priority.to_owned(),
            ticket,
        };
        self.add_to_queue(&mut transaction, &context.scope, &row.id, &entry).await?;
        let job = store::find(&mut transaction, &context.scope, &row.id, self.now()).await?;
        transaction.commit().await?;
        job.ok_or_else(|| Error::NotFound(row.id))
    }

    /// Checks whether the tenant may queue another job. It uses a count, not a lock: concurrent calls may exceed the
    /// limit by their number, and each process by the jobs that the others accept within a second.
    pub(crate) async fn check_queue_limits(&self, tenant_id: &Id) -> Result<(), Error> {
        let limits = self.limits();
        if self.waiting_counts().try_admit(tenant_id, limits, Instant::now()) {
            return Ok(());
        }
        let mut conn = self.pool().acquire().await?;
        let Waiting { of_tenant, of_all } = store::waiting(&mut conn, tenant_id).await?;
        let since = self.now() - RECENT;
        if of_tenant >= limits.waiting_per_tenant {
            let ended = store::count_ended(&mut conn, Some(tenant_id), since).await?;
            let retry_after_s = retry_after_s(of_tenant, ended);
            return Err(Error::TooManyOfTenant { waiting: of_tenant, retry_after_s });
        }
        if of_all >= limits.waiting {
            let ended = store::count_ended(&mut conn, None, since).await?;
            return Err(Error::TooMany { waiting: of_all, retry_after_s: retry_after_s(of_all, ended) });
        }
        drop(conn);
        let waiting = Waiting { of_tenant, of_all };
        self.waiting_counts().admit_counted(tenant_id, waiting, Instant::now());
        Ok(())
    }

    /// Stores a small body in the job's row, and a large one as a blob.
    async fn keep_body(&self, body: Bytes) -> Result<(String, Option<String>), Error> {
        if body.len() > MAX_INLINE_BYTES {
            let blob = self.blobs().put(body).await?;
            return Ok((String::new(), Some(blob.id.uri())));
        }
        // The body was parsed as JSON, so it is UTF-8.
        let text = String::from_utf8(body.into()).map_err(|error| Error::Request(error.to_string()))?;
        Ok((text, None))
    }

    /// The body of a job's request.
    pub(crate) async fn request_body(&self, claimed: &Claimed) -> Result<Bytes, Error> {
        match claimed.body_uri.as_deref().map(BlobId::from_uri) {
            None => Ok(claimed.body.clone().into()),
            Some(Ok(id)) => Ok(self.blobs().get(id, u64::MAX).await?),
            Some(Err(error)) => Err(Error::Request(error.to_string())),
        }
    }

    /// Adds an entry to the queue, which serves by priority, then by instant: the ticket is encoded as an instant in
    /// the past. An existing entry of the same job is replaced.
    pub(crate) async fn add_to_queue(
        &self,
        conn: &mut PgConnection,
        scope: &Scope,
        id: &Id,
        entry: &QueueEntry,
    ) -> Result<(), Error> {
        let lane = Lane::from_name(&entry.lane)
            .ok_or_else(|| Error::Queue(format!("the lane `{}` is of another version", entry.lane)))?;
        let turn = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::microseconds(entry.ticket);
        let spec = JobSpec {
            run_at: Some(turn),
            priority: Some(JobPriority::from_name(&entry.priority).rank()),
            max_attempts: Some(MAX_ATTEMPTS),
            job_key: Some(entry_key(scope, id)),
            flags: Some(vec![payload_name(&entry.kind, entry.payload_version)]),
            ..JobSpec::default()
        };
        let mut queue = self.queue().with_executor(conn);
        let added = queue.add_raw_job(task_of(lane), RunJob::new(scope, id), spec).await;
        added.map(drop).map_err(Error::from)
    }

    /// Removes the entry of a job. If a worker has just taken it, it is not taken again.
    pub(crate) async fn remove_from_queue(
        &self,
        conn: &mut PgConnection,
        scope: &Scope,
        id: &Id,
    ) -> Result<(), Error> {
        let mut queue = self.queue().with_executor(conn);
        Ok(queue.remove_job(&entry_key(scope, id)).await?)
    }

    /// Puts a running job back into the queue with its ticket.
    pub(crate) async fn put_back(&self, scope: &Scope, id: &Id, claimed: &Claimed) -> Result<(), Error> {
        let mut transaction = self.pool().begin().await?;
        if store::put_back(&mut transaction, scope, id, claimed.attempts, self.now()).await? {
            self.add_to_queue(&mut transaction, scope, id, &claimed.entry()).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Queues jobs of `calls` again that were accepted before `before` and have no entry in the queue; returns their
    /// number.
    pub(crate) async fn requeue_stranded(
        &self,
        before: DateTime<Utc>,
        calls: &[HeavyCall],
    ) -> Result<usize, Error> {
        let mut transaction = self.pool().begin().await?;
        let payloads: Vec<String> = calls.iter().flat_map(HeavyCall::payloads).collect();
        let stranded = store::stranded(&mut transaction, before, &payloads).await?;
        let mut requeued = 0;
        for job in &stranded {
            let Stranded { tenant_id, env, id, .. } = job;
            let parsed = || {
                let scope = Scope { tenant_id: tenant_id.parse().ok()?, env: env.parse().ok()? };
                Some((scope, id.parse::<Id>().ok()?))
            };
            let Some((scope, id)) = parsed() else { continue };
            if Lane::from_name(&job.entry.lane).is_none() {
                // Of a later version, whose workers watch it.
                continue;
            }
            if store::requeue_stranded(&mut transaction, &scope, &id, job.attempts, self.now()).await? {
                self.add_to_queue(&mut transaction, &scope, &id, &job.entry).await?;
                requeued += 1;
            }
        }
        transaction.commit().await?;
        Ok(requeued)
    }

    /// Queues a failed or cancelled job again, behind those that wait.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotFailed`]; errors of the queue and the database.
    pub async fn retry(&self, scope: &Scope, id: &Id) -> Result<Job, Error> {
        self.check_queue_limits(&scope.tenant_id).await?;
        let mut transaction = self.pool().begin().await?;
        store::lock_turn(&mut transaction, scope, id).await?;
        let entry = store::entry_of_ended(&mut transaction, scope, id).await?;
        let job = store::find(&mut transaction, scope, id, self.now()).await?;
        let job = job.ok_or_else(|| Error::NotFound(id.clone()))?;
        let entry = entry.ok_or_else(|| Error::NotFailed(job.id.clone()))?;
        let ticket =
            store::next_ticket(&mut transaction, &entry.lane, &entry.priority, &scope.tenant_id).await?;
        store::requeue_ended(&mut transaction, scope, id, ticket, self.now()).await?;
        self.add_to_queue(&mut transaction, scope, id, &QueueEntry { ticket, ..entry }).await?;
        let job = store::find(&mut transaction, scope, id, self.now()).await?;
        transaction.commit().await?;
        job.ok_or_else(|| Error::NotFound(id.clone()))
    }
}

/// Key of a job's entry in the queue.
fn entry_key(scope: &Scope, id: &Id) -> String {
    format!("{} {} {id}", scope.tenant_id, scope.env)
}

/// Migrates the queue library's own tables. Safe to call from several processes. The pool needs two connections.
///
/// # Errors
/// [`Error::Queue`]; errors of the database.
pub async fn migrate(pool: &PgPool) -> Result<(), Error> {
    // The lock ends with its transaction, also if the migration fails.
    let mut transaction = pool.begin().await?;
    sqlx::query(
        "-- jobs::lock_migration
         SELECT pg_advisory_xact_lock($1)",
    )
    .bind(MIGRATION_LOCK)
    .execute(&mut *transaction)
    .await?;
    let migrated = WorkerUtils::new(pool.clone(), QUEUE_SCHEMA).migrate().await;
    migrated.map_err(|error| Error::Queue(error.to_string()))?;
    Ok(transaction.commit().await?)
}
