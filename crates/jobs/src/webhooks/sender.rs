//! Sends deliveries, until they are answered 2xx or have been retried for a day.

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use primitives::{Id, Scope};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};
use tokio::task::{self, JoinSet};
use tokio::time::sleep;

use super::model::Message;
use crate::Error;
use crate::service::Jobs;
use crate::store::{self, DueDelivery, Sent};

/// Poll interval for due deliveries.
const POLL: Duration = Duration::from_secs(1);
/// Timeout of a request to a receiver.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum number of concurrent deliveries of a process: of all tenants, and of each tenant.
const MAX_AT_ONCE: usize = 32;
const MAX_OF_TENANT: usize = 4;
/// Pauses between the ten attempts, in seconds: together 23 hours.
const PAUSES_S: [i64; 9] = [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200];
/// Maximum size of a message, in bytes of JSON; beyond it the job's answer is left out.
const MAX_MESSAGE: usize = 256 << 10;
/// HTTP status 410: the receiver is gone for good.
const GONE: i32 = 410;

/// Sends the deliveries of all owners.
#[derive(Clone, Debug)]
pub(crate) struct WebhookSender {
    jobs: Jobs,
    client: reqwest::Client,
}

impl WebhookSender {
    pub(crate) fn new(jobs: Jobs) -> reqwest::Result<Self> {
        let client = jobs.outbound().client(TIMEOUT)?;
        Ok(Self { jobs, client })
    }

    /// Sends due deliveries; never returns. A slow receiver delays its own tenant only.
    pub(crate) async fn run(self) {
        let mut running = JoinSet::new();
        // Tenants of running deliveries.
        let mut tenants: HashMap<task::Id, Id> = HashMap::new();
        loop {
            let due = self.take_due(&tenants).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "webhooks cannot be sent");
                Vec::new()
            });
            for delivery in due {
                let (sender, tenant_id) = (self.clone(), delivery.tenant_id.clone());
                let task = running.spawn(async move { sender.send_and_write(&delivery).await });
                tenants.insert(task.id(), tenant_id);
            }
            tokio::select! {
                () = sleep(POLL) => {}
                Some(ended) = running.join_next_with_id() => {
                    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                    tenants.remove(&id);
                }
            }
        }
    }

    /// The next due delivery of each tenant below its limit.
    async fn take_due(&self, running: &HashMap<task::Id, Id>) -> Result<Vec<DueDelivery>, Error> {
        let room = MAX_AT_ONCE - running.len();
        if room == 0 {
            return Ok(Vec::new());
        }
        let running_of = |tenant_id: &Id| running.values().filter(|other| *other == tenant_id).count();
        let full = running.values().filter(|tenant_id| running_of(tenant_id) >= MAX_OF_TENANT);
        let full: Vec<String> = full.map(Id::to_string).collect();
        let mut conn = self.jobs.pool().acquire().await?;
        Ok(store::due_deliveries(&mut conn, &full, room as i64).await?)
    }

    async fn send_and_write(&self, delivery: &DueDelivery) {
        let sent = self.send(delivery).await;
        let written = async {
            let mut conn = self.jobs.pool().acquire().await?;
            store::finish_delivery(&mut conn, delivery, &sent).await
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, delivery = %delivery.id, "a webhook's try cannot be written; it is made again");
        }
        let result = if sent.error.is_none() { "delivered" } else { "failed" };
        metrics::counter!("webhook_tries_total", "result" => result).increment(1);
    }

    async fn send(&self, delivery: &DueDelivery) -> Sent {
        let pause = usize::try_from(delivery.attempts - 1).ok().and_then(|tried| PAUSES_S.get(tried));
        let next_attempt_at = pause.map(|pause| self.jobs.now() + TimeDelta::seconds(*pause));
        match self.post(delivery).await {
            Ok(status) if (200..300).contains(&status) => {
                Sent { status: Some(status), error: None, next_attempt_at: None }
            }
            Ok(status) => Sent {
                status: Some(status),
                error: Some(format!("answered {status}")),
                next_attempt_at: next_attempt_at.filter(|_| status != GONE),
            },
            Err(error) => Sent { status: None, error: Some(error), next_attempt_at },
        }
    }

    /// Sends a delivery; returns the HTTP status of the answer.
    async fn post(&self, delivery: &DueDelivery) -> Result<i32, String> {
        // Checked again: the policy may have changed since the webhook was created.
        let url = self.jobs.outbound().parse(&delivery.url).map_err(|error| error.to_string())?;
        let body = self.body(delivery).await?;
        let signer = Webhook::new(&delivery.secret).map_err(|error| error.to_string())?;
        let timestamp = self.jobs.now().timestamp();
        let id = delivery.id.as_str();
        let signature = signer.sign(id, timestamp, body.as_bytes()).map_err(|error| error.to_string())?;
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("user-agent", concat!("harkback/", env!("CARGO_PKG_VERSION")))
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, timestamp)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(body);
        // The body of the receiver's answer is not read.
        let response = request.send().await.map_err(|error| innermost(&error))?;
        Ok(i32::from(response.status().as_u16()))
    }

    async fn body(&self, delivery: &DueDelivery) -> Result<String, String> {
        let scope = Scope { tenant_id: delivery.tenant_id.clone(), env: delivery.env.clone() };
        let mut job = self.jobs.get(&scope, &delivery.job_id).await.map_err(|error| error.to_string())?;
        let write = |data: &crate::model::Job| {
            let message = Message {
                r#type: format!("job.{}", delivery.job_state),
                timestamp: delivery.created_at,
                data,
            };
            serde_json::to_string(&message).map_err(|error| error.to_string())
        };
        let body = write(&job)?;
        if body.len() <= MAX_MESSAGE {
            return Ok(body);
        }
        if let Some(result) = &mut job.result {
            result.body = None;
        }
        write(&job)
    }
}

/// The innermost cause: "connection refused" rather than "error sending request".
fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
