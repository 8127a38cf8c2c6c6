//! Event streams: state changes and progress of one job, or of all jobs of an owner.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt, stream};
use http::HeaderMap;
use primitives::{Id, Scope};
use serde_json::Value;
use tokio::time::sleep;

use crate::model::JobState;
use crate::service::Jobs;
use crate::store::{self, EventRow};

/// Poll interval for new events; progress is written at most twice a second.
const POLL: Duration = Duration::from_millis(500);
/// Interval of comments that keep proxies from closing a silent stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const BATCH: i64 = 500;

/// The event after which a stream resumes.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<i64> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

/// Streams the events after `after`; the stream of a single job ends with the job.
pub(crate) fn stream_of(
    jobs: Jobs,
    scope: Scope,
    job_id: Option<Id>,
    after: i64,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let state = Follower { jobs, scope, job_id, after, is_at_end: false, has_ended: false };
    let batches = stream::unfold(state, |mut follower| async move {
        let batch = follower.next_batch().await?;
        Some((stream::iter(batch), follower))
    });
    Sse::new(batches.flatten().map(Ok)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Follower {
    jobs: Jobs,
    scope: Scope,
    job_id: Option<Id>,
    after: i64,
    /// Whether the last event is the end of the job.
    is_at_end: bool,
    /// Whether no event follows that end.
    has_ended: bool,
}

impl Follower {
    /// Waits for events; `None` after the last one of a job.
    async fn next_batch(&mut self) -> Option<Vec<Event>> {
        loop {
            if self.has_ended {
                return None;
            }
            let rows = self.read().await;
            match rows.as_deref() {
                Ok(rows @ [.., last]) => {
                    self.after = last.sequence;
                    // A job that was retried has an earlier end, too: only the last event counts.
                    self.is_at_end = self.job_id.is_some() && is_end(last);
                    self.has_ended = self.is_at_end && (rows.len() as i64) < BATCH;
                    return Some(rows.iter().map(event).collect());
                }
                // The end was the last row of a full batch.
                Ok([]) if self.is_at_end => return None,
                Ok([]) => {}
                // The stream continues when the database answers again.
                Err(error) => tracing::warn!(%error, "events cannot be read"),
            }
            tokio::select! {
                () = sleep(POLL) => {}
                () = self.jobs.stopped() => return None,
            }
        }
    }

    async fn read(&self) -> sqlx::Result<Vec<EventRow>> {
        let mut conn = self.jobs.pool().acquire().await?;
        store::events(&mut conn, &self.scope, self.job_id.as_ref(), self.after, BATCH).await
    }
}

fn is_end(row: &EventRow) -> bool {
    let state = row.data["state"].as_str().and_then(JobState::from_name);
    row.event == "state" && state.is_some_and(JobState::is_final)
}

fn event(row: &EventRow) -> Event {
    let mut data = row.data.clone();
    if let Value::Object(fields) = &mut data {
        fields.insert("job_id".to_owned(), row.job_id.as_str().into());
    }
    Event::default().id(row.sequence.to_string()).event(&row.event).data(data.to_string())
}
