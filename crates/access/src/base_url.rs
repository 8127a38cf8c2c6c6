use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};
use url::Url;

/// URL with which links begin: the public one, or that of the request's host.
#[derive(Clone, Debug, Default)]
pub struct BaseUrl(Option<Url>);

impl BaseUrl {
    /// Links begin with `public_url`, if there is one.
    #[must_use]
    pub const fn new(public_url: Option<Url>) -> Self {
        Self(public_url)
    }

    /// The URL without a final slash; empty for a request without a host.
    #[must_use]
    pub fn of_request(&self, uri: &Uri, headers: &HeaderMap) -> String {
        if let Some(url) = &self.0 {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let host = uri.authority().map(Authority::as_str).or(host);
        host.map_or_else(String::new, |host| format!("http://{host}"))
    }
}
