//! Wire types of webhooks.

use chrono::{DateTime, Utc};
use http_kit::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Job, JobState};

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookRequest)]
pub(crate) struct NewWebhook {
    /// Whose it is; the header's.
    pub(super) tenant_id: Option<String>,
    /// The environment; the header's.
    pub(super) env: Option<String>,
    /// The user; the header's.
    pub(super) user_id: Option<String>,
    /// Where deliveries are sent: `https://` or `http://`, a public address, at most 2048 bytes.
    pub(super) url: String,
    /// Of which kinds of jobs; of all when it is empty.
    #[serde(default)]
    pub(super) kinds: Vec<String>,
    /// Of which states; `succeeded`, `failed` and `cancelled` when it is empty.
    #[serde(default)]
    pub(super) states: Vec<JobState>,
}

/// A webhook.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Webhook {
    /// Its id.
    pub(super) id: Id,
    /// Where deliveries are sent.
    pub(super) url: String,
    /// Of which kinds of jobs; empty for all.
    pub(super) kinds: Vec<String>,
    /// Of which states.
    pub(super) states: Vec<String>,
    /// The secret of the signatures, `whsec_` and base64. Only in the answer that makes the webhook.
    pub(super) secret: Option<String>,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
}

/// The webhooks of an owner, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookList {
    /// The webhooks.
    pub(super) items: Vec<Webhook>,
}

/// A message for a webhook, and its tries.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(crate) struct Delivery {
    /// The header `webhook-id`, the same in every try.
    pub(crate) id: Id,
    /// The job.
    pub(crate) job_id: Id,
    /// The state that the job entered.
    pub(crate) job_state: String,
    /// `pending`, `delivered` (answered 2xx) or `failed`.
    #[schema(pattern = "^(pending|delivered|failed)$")]
    pub(crate) state: String,
    /// Tries so far, at most 10.
    pub(crate) attempts: i32,
    /// When the job came into that state.
    pub(crate) created_at: DateTime<Utc>,
    /// When it is tried next.
    pub(crate) next_attempt_at: Option<DateTime<Utc>>,
    /// When it was last tried.
    pub(crate) last_attempt_at: Option<DateTime<Utc>>,
    /// The HTTP status of the last try.
    pub(crate) last_status: Option<i32>,
    /// Why the last try failed.
    pub(crate) last_error: Option<String>,
}

/// Deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveryPage)]
pub(crate) struct DeliveryPage {
    /// The deliveries.
    pub(super) items: Vec<Delivery>,
    /// Where the next page starts; null on the last.
    pub(super) next_cursor: Option<String>,
}

/// The body of a delivery.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    /// `job.` and the state.
    pub(super) r#type: String,
    /// When the job came into that state.
    pub(super) timestamp: DateTime<Utc>,
    /// The job as it is when the message is sent.
    pub(super) data: &'a Job,
}
