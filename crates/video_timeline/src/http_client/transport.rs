//! Sends a call with its limits: timeouts, attempts, response size.

use std::error::Error as _;
use std::sync::Arc;

use http::{HeaderValue, Method, header};
use http_kit::{RequestContext, idempotency};
use primitives::Id;
use reqwest::{Client, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::answer::{Failure, failure, unavailable};
use super::config::HttpTimelineConfig;
use crate::error::Error;

#[derive(Clone, Debug)]
pub(super) struct Transport {
    client: Client,
    config: Arc<HttpTimelineConfig>,
}

impl Transport {
    pub(super) fn new(config: HttpTimelineConfig) -> Result<Self, Error> {
        if !matches!(config.base_url.scheme(), "http" | "https") {
            return Err(unavailable(format!("`{}` is not an http or https URL", config.base_url)));
        }
        let client = Client::builder()
            .connect_timeout(config.connect_timeout)
            .timeout(config.attempt_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| unavailable(format!("no HTTP client: {}", chain(&error))))?;
        Ok(Self { client, config: Arc::new(config) })
    }

    /// The URL `<base>/video/<segments>`.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.config.base_url.clone();
        // An http URL always has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("video").extend(segments);
        }
        url
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        context: &RequestContext,
        url: Url,
    ) -> Result<T, Error> {
        self.call(&self.request(context, Method::GET, url)?).await
    }

    /// The idempotency key makes it safe to repeat the call when its response was lost.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        context: &RequestContext,
        url: Url,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Error> {
        let body = serde_json::to_vec(body).map_err(|error| unavailable(error.to_string()))?;
        // The calls of one write have different paths, so their keys differ.
        let key = Id::for_write_of("timeline", url.path());
        let mut request = self.request(context, Method::POST, url)?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(idempotency::HEADER, header_value(key.as_str())?);
        *request.body_mut() = Some(body.into());
        self.call(&request).await
    }

    fn request(&self, context: &RequestContext, method: Method, url: Url) -> Result<Request, Error> {
        let mut request = Request::new(method, url);
        let headers = request.headers_mut();
        headers.insert("x-tenant-id", header_value(context.scope.tenant_id.as_str())?);
        headers.insert("x-env", header_value(context.scope.env.as_str())?);
        headers.insert("x-request-id", header_value(&context.request_id)?);
        if let Some(user_id) = &context.user_id {
            headers.insert("x-user-id", header_value(user_id.as_str())?);
        }
        Ok(request)
    }

    async fn call<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let limit = self.config.total_timeout;
        let answer = tokio::time::timeout(limit, self.attempts(request)).await;
        let body = answer.unwrap_or_else(|_| Err(unavailable(format!("no answer within {limit:?}"))))?;
        serde_json::from_slice(&body).map_err(|error| unavailable(format!("an unreadable answer: {error}")))
    }

    async fn attempts(&self, request: &Request) -> Result<Vec<u8>, Error> {
        let mut wait = self.config.backoff;
        let mut attempt = 1;
        loop {
            match self.attempt(request).await {
                Ok(body) => return Ok(body),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(detail)) if attempt >= self.config.attempts => {
                    return Err(unavailable(detail));
                }
                Err(Failure::Passing(detail)) => {
                    tracing::warn!(attempt, detail, path = request.url().path(), "the video timeline failed");
                }
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2);
            attempt += 1;
        }
    }

    async fn attempt(&self, request: &Request) -> Result<Vec<u8>, Failure> {
        // A request whose body is a byte buffer can always be cloned.
        let request = request
            .try_clone()
            .ok_or_else(|| Failure::Final(unavailable("a body that cannot be repeated")))?;
        let response = self.client.execute(request).await.map_err(|error| Failure::Passing(chain(&error)))?;
        let status = response.status();
        let body = self.read(response).await?;
        if status.is_success() { Ok(body) } else { Err(failure(status, &body)) }
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let limit = self.config.max_response_bytes;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| Failure::Passing(chain(&error)))? {
            if body.len() + chunk.len() > limit {
                return Err(Failure::Final(unavailable(format!("an answer of more than {limit} bytes"))));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn header_value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| unavailable("a request id that is not a valid header value"))
}

/// The error with its sources as `outer: inner`; reqwest reports the cause only in the source.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
