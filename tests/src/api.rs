use std::path::Path;

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use test_kit::Reply;

use crate::document;

/// Calls to one server by one tenant and environment.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
    tenant: String,
    env: String,
    user: Option<String>,
}

impl Api {
    pub(crate) fn new(client: Client, base: String, tenant: &str, env: &str) -> Self {
        Self { client, base, tenant: tenant.to_owned(), env: env.to_owned(), user: None }
    }

    /// The same caller with the header `X-User-Id`.
    #[must_use]
    pub fn user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// A request with the context headers, to be completed and passed to [`Api::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .header("x-tenant-id", &self.tenant)
            .header("x-env", &self.env);
        match &self.user {
            Some(user) => request.header("x-user-id", user),
            None => request,
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    /// When the answer differs from the OpenAPI document.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let request = request.build().expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.client.execute(request).await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.expect("a whole answer").to_vec();
        let reply = Reply { status, headers, body };
        document::check(&method, &path, &reply).unwrap_or_else(|wrong| panic!("{wrong}"));
        reply
    }

    /// Sends a `GET path`.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends a `DELETE path`.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Sends a `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Sends a `PUT path` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// Sends a `PATCH path` with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    /// Uploads a file and returns its asset.
    pub async fn upload(&self, file: &Path) -> Value {
        let bytes = tokio::fs::read(file).await.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_name().and_then(|name| name.to_str()).expect("a file has a name");
        self.upload_bytes(name, bytes, &[]).await.ok()
    }

    /// Uploads `bytes` under a file name, with further form fields (`kind`, `tags`, …).
    pub async fn upload_bytes(&self, name: &str, bytes: Vec<u8>, fields: &[(&str, &str)]) -> Reply {
        let form = fields
            .iter()
            .fold(Form::new(), |form, (name, value)| form.text((*name).to_owned(), (*value).to_owned()));
        let form = form.part("file", Part::bytes(bytes).file_name(name.to_owned()));
        self.send(self.request(Method::POST, "/media-v2/assets").multipart(form)).await
    }
}
