//! Wire types.

use chrono::{DateTime, Utc};
use http_kit::Id;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for a worker.
    Queued,
    /// A worker runs it.
    Running,
    /// It has an answer.
    Succeeded,
    /// It has a problem.
    Failed,
    /// Its caller ended it.
    Cancelled,
}

impl JobState {
    /// Its name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == name)
    }

    /// Does it stay in this state?
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Which jobs run first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobPriority {
    /// Somebody waits: before all of `batch`.
    #[default]
    Interactive,
    /// Nobody waits.
    Batch,
}

impl JobPriority {
    /// Its name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Batch => "batch",
        }
    }

    /// The priority of that name; one that a later version has made counts as interactive.
    pub(crate) fn from_name(name: &str) -> Self {
        if name == Self::Batch.as_str() { Self::Batch } else { Self::Interactive }
    }

    /// Its rank in the queue: lower ones are served first.
    pub(crate) const fn rank(self) -> i16 {
        match self {
            Self::Interactive => 0,
            Self::Batch => 1,
        }
    }
}

/// Work that outlives its request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: Id,
    /// Which call it runs: `analyze`, `field_to_samples`, `detect_hits`, `detect_loops`, `detect_phrases`,
    /// `to_video_origin`, `origin_snippets` or `render`.
    pub kind: String,
    /// Where it is.
    pub state: JobState,
    /// What it does while it runs; why it waits.
    pub stage: Option<String>,
    /// The done fraction, 0 to 1; never falls.
    #[schema(minimum = 0, maximum = 1)]
    pub progress: f64,
    /// The seconds that it still needs, if it goes on as before; null until that can be estimated.
    pub eta_s: Option<i64>,
    /// How many jobs of all owners that the same workers run are ahead of it, at most 1000; null unless it is queued.
    #[schema(minimum = 0, maximum = 1000)]
    pub queue_position: Option<i64>,
    /// Which jobs run first.
    pub priority: JobPriority,
    /// How often it was started.
    pub attempts: i32,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When it was first started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The id of the request that it came with.
    pub request_id: String,
    /// The user who asked for it.
    pub user_id: Option<Id>,
    /// The answer of a job that has succeeded.
    pub result: Option<JobResult>,
    /// The problem document of a job that has failed.
    #[schema(value_type = Option<Object>)]
    pub problem: Option<Value>,
}

/// What the call would have answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JobResult {
    /// The HTTP status.
    pub status: i32,
    /// Where the body is.
    pub href: String,
    /// The body, unless it is over 1 MiB.
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
}

/// A list of jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobPage {
    /// The jobs.
    pub(crate) items: Vec<Job>,
    /// Where the next page starts; null on the last.
    pub(crate) next_cursor: Option<String>,
}
