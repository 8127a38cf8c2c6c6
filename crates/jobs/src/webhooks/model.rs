//! Wire types of webhooks.

use chrono::{DateTime, Utc};
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Job, JobState};

/// A webhook to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookRequest)]
pub(crate) struct NewWebhook {
    /// Alternative to the header `X-Tenant-Id`.
    pub(super) tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub(super) env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub(super) user_id: Option<String>,
    /// URL to which deliveries are sent: `https://` or `http://`, a public address, at most 2048 bytes.
    pub(super) url: String,
    /// Kinds of jobs to report; empty for all.
    #[serde(default)]
    pub(super) kinds: Vec<String>,
    /// States to report; empty for `succeeded`, `failed` and `cancelled`.
    #[serde(default)]
    pub(super) states: Vec<JobState>,
}

/// A subscription to state changes of jobs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Webhook {
    /// Id of the webhook.
    pub(super) id: Id,
    /// URL to which deliveries are sent.
    pub(super) url: String,
    /// Kinds of jobs to report; empty for all.
    pub(super) kinds: Vec<String>,
    /// States of jobs to report.
    pub(super) states: Vec<String>,
    /// Secret of the signatures, `whsec_` and base64. Only in the answer that creates the webhook.
    pub(super) secret: Option<String>,
    /// When the webhook was created.
    pub(super) created_at: DateTime<Utc>,
}

/// The webhooks of an owner, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookList {
    /// All webhooks of the owner.
    pub(super) items: Vec<Webhook>,
}

/// A message for a webhook, and its attempts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(crate) struct Delivery {
    /// Value of the header `webhook-id`, the same in every attempt.
    pub(crate) id: Id,
    /// Id of the job.
    pub(crate) job_id: Id,
    /// The state that the job entered.
    pub(crate) job_state: String,
    /// `pending`, `delivered` (answered 2xx) or `failed`.
    #[schema(pattern = "^(pending|delivered|failed)$")]
    pub(crate) state: String,
    /// Attempts so far, at most 10.
    pub(crate) attempts: i32,
    /// When the job entered that state.
    pub(crate) created_at: DateTime<Utc>,
    /// When the next attempt is due.
    pub(crate) next_attempt_at: Option<DateTime<Utc>>,
    /// When the last attempt was made.
    pub(crate) last_attempt_at: Option<DateTime<Utc>>,
    /// HTTP status of the last attempt.
    pub(crate) last_status: Option<i32>,
    /// Why the last attempt failed.
    pub(crate) last_error: Option<String>,
}

/// A page of deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveryPage)]
pub(crate) struct DeliveryPage {
    /// Deliveries of this page, newest first.
    pub(super) items: Vec<Delivery>,
    /// Cursor of the next page; null on the last page.
    pub(super) next_cursor: Option<String>,
}

/// Body of a delivery.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    /// `job.` followed by the state.
    pub(super) r#type: String,
    /// When the job entered that state.
    pub(super) timestamp: DateTime<Utc>,
    /// The job at the time the message is sent.
    pub(super) data: &'a Job,
}
