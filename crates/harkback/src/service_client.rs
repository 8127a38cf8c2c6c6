//! Client of a running service, for the commands that call one.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::cli::ServiceArguments;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time without a byte: longer than the interval between the comments of an event stream.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A problem document from the service.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {detail}")]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    code: String,
    detail: String,
}

/// A service, and the headers that identify the caller.
pub(crate) struct ServiceClient {
    client: Client,
    base: Url,
    headers: Vec<(&'static str, String)>,
}

impl ServiceClient {
    pub(crate) fn new(arguments: &ServiceArguments) -> anyhow::Result<Self> {
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build()?;
        let headers = [
            ("authorization", arguments.key.as_ref().map(|key| format!("Bearer {key}"))),
            ("x-tenant-id", arguments.tenant.as_ref().map(ToString::to_string)),
            ("x-env", arguments.env.as_ref().map(ToString::to_string)),
        ];
        let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Ok(Self { client, base: arguments.url.clone(), headers })
    }

    /// Creates a client of a service on this machine: without a proxy, and without a limit on the time of an answer.
    pub(crate) fn local(base: Url, tenant: &str, env: &str) -> anyhow::Result<Self> {
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).no_proxy().build()?;
        let headers = vec![("x-tenant-id", tenant.to_owned()), ("x-env", env.to_owned())];
        Ok(Self { client, base, headers })
    }

    /// The same service with the headers of another caller.
    pub(crate) fn for_caller(&self, headers: Vec<(&'static str, String)>) -> Self {
        Self { client: self.client.clone(), base: self.base.clone(), headers }
    }

    /// Builds a request for `path`, which may have a query.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let request = self.client.request(method, url);
        self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When there is no answer, or a problem: then with the text of its document.
    pub(crate) async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request.send().await;
        let response = response.with_context(|| format!("no answer from {}", self.base))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let problem: Value = response.json().await.unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("the service gave no reason");
        let code = problem["code"].as_str().unwrap_or(status.as_str());
        Err(Refused { status, code: code.to_owned(), detail: detail.to_owned() }.into())
    }

    /// Sends a request without a body and reads the answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, method: Method, path: &str) -> anyhow::Result<T> {
        self.read(self.request(method, path)).await
    }

    /// Posts `body` as JSON and reads the answer.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.read(self.request(Method::POST, path).json(body)).await
    }

    /// Sends a request and reads the JSON of its answer.
    pub(crate) async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let body = self.send(request).await?.bytes().await.context("the answer is incomplete")?;
        serde_json::from_slice(&body).context("the answer is not the expected JSON")
    }
}
