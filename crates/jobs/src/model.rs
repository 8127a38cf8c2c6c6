//! Wire types of jobs.

use chrono::{DateTime, Utc};
use primitives::Id;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// State of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// A worker runs it.
    Running,
    /// Ended with an answer.
    Succeeded,
    /// Ended with a problem.
    Failed,
    /// Cancelled by its caller.
    Cancelled,
}

impl JobState {
    /// Name on the wire and in the database.
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

    /// The state with `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == name)
    }

    /// Whether a job in this state has ended.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Order in which jobs start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobPriority {
    /// A caller waits: starts before all jobs of `batch`.
    #[default]
    Interactive,
    /// No caller waits: starts after all jobs of `interactive`.
    Batch,
}

impl JobPriority {
    /// Name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Batch => "batch",
        }
    }

    /// The priority with `name`; an unknown one of a later version counts as interactive.
    pub(crate) fn from_name(name: &str) -> Self {
        if name == Self::Batch.as_str() { Self::Batch } else { Self::Interactive }
    }

    /// Rank in the queue: lower ones are served first.
    pub(crate) const fn rank(self) -> i16 {
        match self {
            Self::Interactive => 0,
            Self::Batch => 1,
        }
    }
}

/// Work that continues after its request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Job {
    /// Id of the job.
    pub id: Id,
    /// The call that it runs: `analyze`, `field_to_samples`, `detect_hits`, `detect_loops`, `detect_phrases`,
    /// `identify`, `align`, `conform`, `render_pattern`, `to_video_origin`, `cut_to_music`, `supercut`, `origin_snippets` or
    /// `render`.
    pub kind: String,
    /// Current state of the job.
    pub state: JobState,
    /// The current step of a running job, or why a queued job waits.
    pub stage: Option<String>,
    /// The completed fraction, 0 to 1; never decreases.
    #[schema(minimum = 0, maximum = 1)]
    pub progress: f64,
    /// Estimated remaining time in seconds, extrapolated from the progress so far; null until it can be estimated.
    pub eta_s: Option<i64>,
    /// Number of jobs of all owners ahead of it for the same workers, at most 100; null unless it is queued.
    #[schema(minimum = 0, maximum = 100)]
    pub queue_position: Option<i64>,
    /// Order in which jobs start.
    pub priority: JobPriority,
    /// Number of times the job was started.
    pub attempts: i32,
    /// When the job was accepted.
    pub created_at: DateTime<Utc>,
    /// When the job was first started.
    pub started_at: Option<DateTime<Utc>>,
    /// When the job ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Id of the request that created it.
    pub request_id: String,
    /// The user who requested it.
    pub user_id: Option<Id>,
    /// The answer of a succeeded job.
    pub result: Option<JobResult>,
    /// The problem document of a failed job.
    #[schema(value_type = Option<Object>)]
    pub problem: Option<Value>,
}

/// Path of a job's resource.
pub(crate) fn job_path(id: &Id) -> String {
    format!("/jobs/{id}")
}

/// The answer that the call would have returned.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JobResult {
    /// HTTP status of the answer.
    pub status: i32,
    /// Path of the body.
    pub href: String,
    /// The body, an object or a list, unless it exceeds 1 MiB.
    #[schema(required = true)]
    pub body: Option<Value>,
}

/// A list of jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobPage {
    /// Jobs of this page, newest first.
    pub(crate) items: Vec<Job>,
    /// Cursor of the next page; null on the last page.
    pub(crate) next_cursor: Option<String>,
}
