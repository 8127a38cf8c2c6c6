use axum::Router;
use axum::body::Body;
use http::request::Builder;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_kit::boundary;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::Reply;

/// Calls to a router in this process by one caller, at first tenant `t1` in the environment `dev`.
#[derive(Clone, Debug)]
pub struct Api {
    router: Router,
    headers: HeaderMap,
}

impl Api {
    /// Wraps `router` in [`boundary::layer`], as the service does: errors are problem documents with a request id.
    #[must_use]
    pub fn new(router: Router) -> Self {
        let headers = [("x-tenant-id", "t1"), ("x-env", "dev")];
        let headers =
            headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Self { router: boundary::layer(router), headers: headers.into_iter().collect() }
    }

    /// The same router, called by another tenant.
    #[must_use]
    pub fn tenant(&self, tenant: &str) -> Self {
        self.header("x-tenant-id", tenant)
    }

    /// The same caller, who sends this header with every call.
    ///
    /// # Panics
    /// When the value is not one of a header.
    #[must_use]
    pub fn header(&self, name: &'static str, value: &str) -> Self {
        let mut other = self.clone();
        let value = HeaderValue::from_str(value).expect("the value of a header");
        other.headers.insert(HeaderName::from_static(name), value);
        other
    }

    /// The router with the layers of [`Api::new`], for a server or a request that is sent in parts.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// A request with the caller's headers, to be completed and passed to [`Api::send`].
    pub fn request(&self, method: Method, path: &str) -> Builder {
        let request = Request::builder().method(method).uri(path);
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let Ok(response) = self.router().oneshot(request).await;
        Reply::read(response).await
    }

    /// Sends a body as JSON, regardless of whether it is.
    ///
    /// # Panics
    /// When `path` is not one of a URI.
    pub async fn send_json(&self, method: Method, path: &str, body: impl Into<Body>) -> Reply {
        let request = self.request(method, path).header("content-type", "application/json");
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// Sends a `GET path`.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path).body(Body::empty()).expect("a request")).await
    }

    /// Sends a `DELETE path`.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path).body(Body::empty()).expect("a request")).await
    }

    /// Sends a `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send_json(Method::POST, path, body.to_string()).await
    }

    /// Sends a `PUT path` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send_json(Method::PUT, path, body.to_string()).await
    }

    /// Sends a `PATCH path` with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send_json(Method::PATCH, path, body.to_string()).await
    }
}
