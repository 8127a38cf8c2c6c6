//! One call: its request, its job, and its answer as the result of a tool.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Method, Response, StatusCode};
use rmcp::RoleServer;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::operation::Operation;
use crate::job_commands::is_passing;
use crate::service_client::ServiceClient;

/// Time of a request that waits for the end of a job, in seconds: the interval of progress notifications.
const POLL_S: u32 = 2;
/// Delay before a failed request is repeated, and the maximum number of consecutive failures.
const PAUSE: Duration = Duration::from_secs(1);
const MAX_FAILURES: u32 = 60;
/// Maximum size of an answer that is read, in bytes.
const MAX_BODY_BYTES: usize = 64 << 20;
/// Maximum size of an answer that a model gets, in bytes.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// The client's interest in a call: notifications of progress, if it asked for them, and its cancellation.
pub(super) struct Progress {
    peer: Peer<RoleServer>,
    token: Option<ProgressToken>,
    cancelled: CancellationToken,
    /// The last progress sent. Progress must increase.
    sent: f64,
}

impl Progress {
    pub(super) fn new(context: RequestContext<RoleServer>) -> Self {
        let token = context.meta.get_progress_token();
        Self { peer: context.peer, token, cancelled: context.ct, sent: -1.0 }
    }

    async fn report(&mut self, job: &Value) {
        let progress = job["progress"].as_f64().unwrap_or(0.0);
        let Some(token) = self.token.clone().filter(|_| progress > self.sent) else { return };
        self.sent = progress;
        let message = job["stage"].as_str().unwrap_or_else(|| text(&job["state"]));
        let notification =
            ProgressNotificationParam::new(token, progress).with_total(1.0).with_message(message);
        // A client that has gone away needs no progress.
        let _ = self.peer.notify_progress(notification).await;
    }
}

/// Calls an operation, and waits for its job.
///
/// # Errors
/// A refusal, a failed or cancelled job, an answer that cannot be shown.
pub(super) async fn call(
    service: &ServiceClient,
    operation: &Operation,
    arguments: JsonObject,
    progress: &mut Progress,
) -> anyhow::Result<CallToolResult> {
    let response = service.send(operation.request(service, arguments)?).await?;
    if response.status() != StatusCode::ACCEPTED {
        return shown(response).await;
    }
    let job: Value = response.json().await.context("the answer is not the expected JSON")?;
    let id = text(&job["id"]);
    wait(service, id, progress).await?;
    shown(service.send(service.request(Method::GET, &format!("/jobs/{id}/result"))).await?).await
}

/// Waits until a job has succeeded; cancels it when the client cancels the call.
async fn wait(service: &ServiceClient, id: &str, progress: &mut Progress) -> anyhow::Result<()> {
    let path = format!("/jobs/{id}?wait={POLL_S}");
    let mut failures = 0;
    loop {
        let poll = tokio::select! {
            poll = service.json::<Value>(Method::GET, &path) => poll,
            () = progress.cancelled.cancelled() => {
                service.json::<Value>(Method::DELETE, &format!("/jobs/{id}")).await?;
                anyhow::bail!("the call was cancelled, and its job {id}");
            }
        };
        let job = match poll {
            Ok(job) => job,
            // A restarting service refuses connections for a while.
            Err(error) if failures < MAX_FAILURES && is_passing(&error) => {
                failures += 1;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        failures = 0;
        progress.report(&job).await;
        match text(&job["state"]) {
            "succeeded" => return Ok(()),
            "failed" => {
                let problem = &job["problem"];
                anyhow::bail!("{}: {}", text(&problem["code"]), text(&problem["detail"]));
            }
            "cancelled" => anyhow::bail!("the job {id} was cancelled"),
            _ => {}
        }
    }
}

/// An answer as the result of a tool: JSON, or text.
async fn shown(mut response: Response) -> anyhow::Result<CallToolResult> {
    let media_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let is_json = media_type.is_some_and(|media_type| media_type.starts_with("application/json"));
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.context("the answer is incomplete")? {
        body.extend_from_slice(&piece);
        anyhow::ensure!(body.len() <= MAX_BODY_BYTES, "the answer has more than {MAX_BODY_BYTES} bytes");
    }
    if is_json {
        let answer = serde_json::from_slice(&body).context("the answer is not the expected JSON")?;
        return Ok(CallToolResult::structured(shortened(answer)));
    }
    let text = String::from_utf8(body)
        .ok()
        .context("the answer is binary: make a link to its path by `create_link`")?;
    anyhow::ensure!(
        text.len() <= MAX_ANSWER_BYTES,
        "the answer has {} bytes, of which a model gets at most {MAX_ANSWER_BYTES}: make a link to its path by `create_link`",
        text.len()
    );
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}

/// Removes the largest members of an answer that is too long for a model, and names them in `omitted`.
fn shortened(answer: Value) -> Value {
    let length = |value: &Value| value.to_string().len();
    let mut members = match answer {
        Value::Object(members) => members,
        other => return other,
    };
    let mut omitted: Vec<Value> = Vec::new();
    let mut total: usize = members.values().map(length).sum();
    while total > MAX_ANSWER_BYTES {
        let sizes = members.iter().map(|(name, value)| (length(value), name.clone()));
        let Some((size, largest)) = sizes.max() else { break };
        members.remove(&largest);
        omitted.push(largest.into());
        total -= size;
    }
    if !omitted.is_empty() {
        members.insert("omitted".to_owned(), omitted.into());
    }
    Value::Object(members)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_answers_lose_their_largest_members() {
        let short = json!({"id": "a", "items": [1, 2]});
        assert_eq!(shortened(short.clone()), short);
        let shots = "x".repeat(MAX_ANSWER_BYTES);
        let long = json!({"id": "a", "meta": {"n": 1}, "shots": [shots]});
        assert_eq!(shortened(long), json!({"id": "a", "meta": {"n": 1}, "omitted": ["shots"]}));
    }
}
