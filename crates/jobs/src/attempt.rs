//! Runs one job: sends its request to the service's own router, and writes its outcome.

use std::pin::Pin;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use http::{Method, Request, header};
use http_kit::RequestId;
use http_kit::codes::{BUSY, DATABASE_UNAVAILABLE, QUEUE_FULL, SHUTTING_DOWN, STORAGE_UNAVAILABLE};
use http_kit::{ErrorCode, Problem, TraceParent};
use primitives::{AccessLevel, Id, Scope, WriteSeed};
use scheduling::WorkProgress;
use serde_json::Value;
use tokio::time::sleep;
use tower::ServiceExt;
use tracing::{Instrument, Span};

use crate::Error;
use crate::codes::WORKER_LOST;
use crate::store::{
    self, Answer, AnswerBody, Claimed, MAX_INLINE_BYTES, Outcome, QueueEntry, WorkerInstruction,
};
use crate::worker::{PAUSE, Worker};

/// Interval at which progress is written and cancellation is checked.
const REPORT: Duration = Duration::from_millis(500);
/// Maximum number of consecutive starts whose worker died; then the job fails.
const MAX_LOST: i32 = 3;
/// Maximum number of calls while the service is busy; with the pauses between them 20 minutes.
const MAX_BUSY: usize = 27;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Codes of transient failures. All others fail the job.
const TRANSIENT: [ErrorCode; 5] =
    [BUSY, QUEUE_FULL, DATABASE_UNAVAILABLE, STORAGE_UNAVAILABLE, SHUTTING_DOWN];

/// Result of claiming the job of a queue entry.
enum Claim {
    Started(Box<Claimed>),
    /// The entry is done: its job needs no run, or has another entry, for workers of another version.
    Over,
}

/// How an attempt to run a job ended.
enum AttemptEnd {
    Ended(Outcome),
    /// The service stopped before the job ended.
    Interrupted,
    /// Another worker has the job.
    LeaseLost,
}

/// How a call of the job's request ended.
enum CallEnd {
    Ended(Outcome),
    /// Refused: by its code either the job's end, or a reason to try again.
    Refused(Problem),
}

impl Worker {
    /// Runs a job to its end. On an error the queue keeps the entry, because another worker may hold it.
    pub(crate) async fn run(&self, scope: &Scope, id: &Id, queue_id: i64) -> Result<(), String> {
        let claimed = loop {
            match self.claim(scope, id, queue_id).await {
                Ok(claimed) => break claimed,
                Err(error) => self.pause_after(error, "claim").await?,
            }
        };
        let claimed = match claimed {
            Claim::Started(claimed) => claimed,
            Claim::Over => return Ok(()),
        };
        metrics::counter!("job_starts_total", "kind" => claimed.kind.clone()).increment(1);
        let waited = (self.jobs.now() - claimed.created_at).as_seconds_f64();
        metrics::histogram!("job_wait_seconds", "kind" => claimed.kind.clone()).record(waited);
        let (started, span) = (Instant::now(), span_of(id, &claimed));
        let run = if claimed.lost >= MAX_LOST {
            let detail = format!("{MAX_LOST} workers in a row died while they ran this job");
            let problem = Problem::new(WORKER_LOST, detail);
            AttemptEnd::Ended(Outcome::Failed(problem.to_json(&claimed.request_id)))
        } else {
            self.run_claimed(scope, id, &claimed, &span).await
        };
        let lost = || "another worker has the job".to_owned();
        match run {
            AttemptEnd::Ended(outcome) => {
                let is_ours = loop {
                    match self.finish(scope, id, claimed.attempts, &outcome).await {
                        Ok(is_ours) => break is_ours,
                        Err(error) => self.pause_after(error.into(), "end").await?,
                    }
                };
                if !is_ours {
                    return Err(lost());
                }
                let state = outcome.state().as_str();
                let labels = [("kind", claimed.kind.clone()), ("state", state.to_owned())];
                metrics::histogram!("job_duration_seconds", &labels).record(started.elapsed().as_secs_f64());
                span.in_scope(|| tracing::info!(state, "job"));
                Ok(())
            }
            AttemptEnd::Interrupted => {
                self.jobs.put_back(scope, id, &claimed).await.map_err(|error| error.to_string())
            }
            AttemptEnd::LeaseLost => Err(lost()),
        }
    }

    /// Pauses after a failed write; the caller retries until the database accepts it, or the service has stopped.
    async fn pause_after(&self, error: Error, what: &'static str) -> Result<(), String> {
        let error = match error {
            Error::Database(cause) => cause.to_string(),
            error => error.to_string(),
        };
        if self.jobs.is_stopping() {
            return Err(error);
        }
        tracing::warn!(error, what, "a job cannot be written; the write is retried");
        sleep(PAUSE).await;
        Ok(())
    }

    /// Claims the job of an entry. If this worker does not read its payload, the entry is replaced by one of the same
    /// ticket that only workers which read it take: one of the version before has no flag, or the wrong one.
    async fn claim(&self, scope: &Scope, id: &Id, queue_id: i64) -> Result<Claim, Error> {
        let (payloads, now) = (self.settings.payloads(), self.jobs.now());
        let mut transaction = self.jobs.pool().begin().await?;
        let claimed = store::claim(&mut transaction, scope, id, queue_id, &payloads, now).await?;
        let claim = match claimed {
            Some(claimed) => Claim::Started(Box::new(claimed)),
            None => {
                let left =
                    store::leave_to_others(&mut transaction, scope, id, queue_id, &payloads, now).await?;
                if let Some(entry) = left {
                    let QueueEntry { kind, payload_version, .. } = &entry;
                    tracing::info!(job_id = %id, kind, payload_version, "a job is left to workers of another version");
                    self.jobs.add_to_queue(&mut transaction, scope, id, &entry).await?;
                }
                Claim::Over
            }
        };
        transaction.commit().await?;
        Ok(claim)
    }

    async fn finish(&self, scope: &Scope, id: &Id, attempt: i32, outcome: &Outcome) -> sqlx::Result<bool> {
        let mut transaction = self.jobs.pool().begin().await?;
        let is_ours = store::finish(&mut transaction, scope, id, attempt, outcome, self.jobs.now()).await?;
        transaction.commit().await?;
        Ok(is_ours)
    }

    /// Answers the request, unless the job is cancelled first: then the handler is dropped, which stops its work.
    async fn run_claimed(&self, scope: &Scope, id: &Id, claimed: &Claimed, span: &Span) -> AttemptEnd {
        let progress = WorkProgress::default();
        // Ids of what the job creates are derived from its id: run again after a crash, it creates them once.
        let seed = WriteSeed::new(&format!("job {id}"));
        let work = {
            let (worker, scope, claimed) = (self.clone(), scope.clone(), claimed.clone());
            Box::pin(async move { worker.answer(&scope, &claimed).await }.instrument(span.clone()))
        };
        let watched = progress.clone();
        let work = async move { watched.watch(WriteSeed::scope(Some(seed), work)).await };
        let mut work: Pin<Box<dyn Future<Output = Outcome> + Send>> = Box::pin(work);
        let instruction = tokio::select! {
            outcome = &mut work => return AttemptEnd::Ended(outcome),
            instruction = self.instruction(scope, id, claimed.attempts, &progress) => instruction,
            () = self.grace_over() => return AttemptEnd::Interrupted,
        };
        if instruction == WorkerInstruction::Abandon {
            return AttemptEnd::LeaseLost;
        }
        if self.jobs.is_wanted(scope, id).await {
            // Another job waits for the same work: it finds the results created here.
            self.jobs.keep(self.clone().run_for_others(scope.clone(), id.clone(), work));
        }
        AttemptEnd::Ended(Outcome::Cancelled)
    }

    /// Continues the work of a cancelled job while another job wants it.
    async fn run_for_others(self, scope: Scope, id: Id, work: impl Future<Output = Outcome> + Send) {
        let unwanted = async {
            while self.jobs.is_wanted(&scope, &id).await {
                sleep(REPORT).await;
            }
        };
        tokio::select! {
            _ = work => {}
            () = unwanted => {}
            () = self.grace_over() => {}
        }
    }

    /// Waits until the service stops, and then for the grace period.
    async fn grace_over(&self) {
        self.jobs.stopped().await;
        sleep(self.settings.grace).await;
    }

    /// Reports progress until the job is cancelled, or another worker has it.
    async fn instruction(
        &self,
        scope: &Scope,
        id: &Id,
        attempt: i32,
        progress: &WorkProgress,
    ) -> WorkerInstruction {
        // Of the claimed job: what the work reported before this is to be written, too.
        let mut reported = WorkProgress::default().read();
        loop {
            sleep(REPORT).await;
            let now = progress.read();
            let instruction = async {
                if now == reported {
                    let mut conn = self.jobs.pool().acquire().await?;
                    return store::order(&mut conn, scope, id, attempt).await;
                }
                let mut transaction = self.jobs.pool().begin().await?;
                let instruction = store::report(&mut transaction, scope, id, attempt, now).await?;
                transaction.commit().await?;
                Ok(instruction)
            };
            match instruction.await {
                Ok(WorkerInstruction::Continue) => reported = now,
                Ok(instruction) => return instruction,
                // The work continues without a database for a while.
                Err(error) => tracing::warn!(job_id = %id, %error, "progress cannot be written"),
            }
        }
    }

    /// Answers the request; retries while the service is busy.
    async fn answer(&self, scope: &Scope, claimed: &Claimed) -> Outcome {
        let mut pause = FIRST_PAUSE;
        let mut calls = 0;
        loop {
            let problem = match self.call(scope, claimed).await {
                Ok(CallEnd::Ended(outcome)) => return outcome,
                Ok(CallEnd::Refused(problem)) => problem,
                Err(error) => error.into(),
            };
            calls += 1;
            if calls == MAX_BUSY || !is_transient(&problem) {
                return Outcome::Failed(problem.to_json(&claimed.request_id));
            }
            WorkProgress::current().report("waiting", 0.0);
            sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    async fn call(&self, scope: &Scope, claimed: &Claimed) -> Result<CallEnd, Error> {
        let body = self.jobs.request_body(claimed).await?;
        let request = request(scope, claimed, body).map_err(|error| Error::Request(error.to_string()))?;
        // A router never fails: its errors are answers.
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if response.status().is_success() {
            return Ok(CallEnd::Ended(self.succeeded(response).await?));
        }
        if let Some(problem) = response.extensions().get::<Problem>() {
            return Ok(CallEnd::Refused(problem.clone()));
        }
        let body = axum::body::to_bytes(response.into_body(), MAX_INLINE_BYTES).await.unwrap_or_default();
        let problem = serde_json::from_slice::<Value>(&body).ok();
        let problem = problem.unwrap_or_else(|| {
            Problem::internal("the call failed without a reason").to_json(&claimed.request_id)
        });
        Ok(CallEnd::Ended(Outcome::Failed(problem)))
    }

    /// Stores the answer: a small one in the job's row, a large one as a blob.
    async fn succeeded(&self, response: Response) -> Result<Outcome, Error> {
        let status = response.status().as_u16();
        let media_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or("application/json").to_owned();
        let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let location = location.map(str::to_owned);
        let succeeded = |body| Outcome::Succeeded(Answer { status, media_type, location, body });
        let mut pieces = response.into_body().into_data_stream();
        let mut body = BytesMut::new();
        let broken = |error: axum::Error| Error::Answer(error.to_string());
        while let Some(piece) = pieces.try_next().await.map_err(broken)? {
            body.extend_from_slice(&piece);
            if body.len() <= MAX_INLINE_BYTES {
                continue;
            }
            let mut blob = self.jobs.blobs().writer().await?;
            blob.write(body.freeze()).await?;
            while let Some(piece) = pieces.try_next().await.map_err(broken)? {
                blob.write(piece).await?;
            }
            return Ok(succeeded(AnswerBody::Blob(blob.finish().await?.id.uri())));
        }
        Ok(succeeded(AnswerBody::Inline(body.into())))
    }
}

fn is_transient(problem: &Problem) -> bool {
    TRANSIENT.iter().any(|code| code.code() == problem.code())
}

/// A span in the trace of the call that created the job.
fn span_of(id: &Id, claimed: &Claimed) -> Span {
    let Claimed { kind, request_id, trace_parent, .. } = claimed;
    let span = tracing::info_span!("job", job_id = %id, kind, request_id, trace_id = tracing::field::Empty);
    let parent = trace_parent.as_deref().and_then(|text| text.parse().ok());
    let _ = TraceParent::continue_in(parent, &span);
    span
}

/// The request of a job, as its caller sent it.
fn request(scope: &Scope, claimed: &Claimed, body: Bytes) -> http::Result<Request<Body>> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&claimed.path)
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-tenant-id", scope.tenant_id.as_str())
        .header("x-env", scope.env.as_str())
        .header("x-request-id", &claimed.request_id);
    if let Some(user_id) = &claimed.user_id {
        request = request.header("x-user-id", user_id);
    }
    let level: AccessLevel = claimed.access_level.parse().unwrap_or(AccessLevel::Read);
    request.extension(level).extension(RequestId::new(claimed.request_id.clone())).body(Body::from(body))
}
