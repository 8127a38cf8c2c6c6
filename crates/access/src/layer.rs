//! Middleware that authenticates callers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, header};
use http_kit::Problem;
use primitives::AccessLevel;

use crate::{ApiKeys, BrowserPolicy, Caller, Error, JwtVerifier, Links};

/// Paths that need no credentials: their answers reveal nothing about a tenant.
const PUBLIC: [&str; 7] = ["/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/app"];

/// Paths whose POST writes nothing, as in the OpenAPI document: reports of what exports lose, and archives of samples.
/// They need the level [`AccessLevel::Read`] only, as GET does.
pub const READING_POSTS: [&str; 6] = [
    "/video/projects/{project_id}/export",
    "/video/sequences/{sequence_id}/export",
    "/audio/to-video-origin/{shot_list_artifact_id}/export",
    "/audio/semantic-timeline/{artifact_id}/export",
    "/audio/semantic-timeline/by-clip/{clip_id}/export",
    "/audio/samples/archive",
];

/// How callers are authenticated, and so where tenant and environment come from.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// No authentication: the context headers are trusted.
    None,
    /// By API keys of the table `api_keys`.
    Keys(ApiKeys),
    /// Authentication by tokens of an issuer.
    Jwt(Arc<JwtVerifier>),
}

/// Access policy of the service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Access {
    /// Kind of authentication of callers.
    pub authentication: Authentication,
    /// Links, which carry their own credentials with any kind of authentication.
    pub links: Links,
    /// Policy for requests of browsers.
    pub browsers: Arc<BrowserPolicy>,
}

/// Authenticates a call and sets its context. Mount it inside [`http_kit::boundary::layer`], and outside of all layers
/// that read the context.
pub async fn enforce(State(access): State<Access>, mut request: Request, next: Next) -> Response {
    match access.admit(&mut request).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

impl Access {
    async fn admit(&self, request: &mut Request) -> Result<(), Problem> {
        self.browsers.check(request.method(), request.uri(), request.headers())?;
        if is_public(request.uri().path()) {
            return Ok(());
        }
        if let Some(verified) = self.links.verify(request.uri()).await? {
            if !request.method().is_safe() {
                return Err(Error::LinkInvalid("a link is valid for GET only").into());
            }
            *request.uri_mut() = verified.uri;
            return admit_caller(&verified.caller, request);
        }
        let caller = match &self.authentication {
            Authentication::None => return Ok(()),
            Authentication::Keys(keys) => keys.verify(bearer(request.headers())?).await?,
            Authentication::Jwt(tokens) => tokens.verify(bearer(request.headers())?).await?,
        };
        admit_caller(&caller, request)
    }
}

fn is_public(path: &str) -> bool {
    PUBLIC.contains(&path) || path.starts_with("/docs/") || path.starts_with("/app/")
}

fn admit_caller(caller: &Caller, request: &mut Request) -> Result<(), Problem> {
    let needed = needed(request.method(), request.uri().path());
    if caller.level < needed {
        let (has, needs) = (caller.level.as_str(), needed.as_str());
        return Err(Error::ScopeInsufficient { has, needs }.into());
    }
    caller.apply_to(request.headers_mut())?;
    request.extensions_mut().insert(caller.level);
    Ok(())
}

fn needed(method: &Method, path: &str) -> AccessLevel {
    let is_reading_post =
        || method == Method::POST && READING_POSTS.iter().any(|route| is_path_of(route, path));
    if method.is_safe() || is_reading_post() { AccessLevel::Read } else { AccessLevel::Write }
}

/// Whether `path` is one of `route`, whose segments in braces are of any path.
fn is_path_of(route: &str, path: &str) -> bool {
    let (mut segments, mut given) = (route.split('/'), path.split('/'));
    loop {
        match (segments.next(), given.next()) {
            (None, None) => return true,
            (Some(segment), Some(given)) if segment.starts_with('{') || segment == given => {}
            _ => return false,
        }
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Error> {
    let missing = || Error::Unauthorized("send `Authorization: Bearer …`".to_owned());
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(missing()) };
    let (kind, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if kind.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(missing()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_the_page_are_public_and_calls_are_not() {
        for path in ["/docs", "/docs/index.css", "/app", "/app/", "/app/main.js"] {
            assert!(is_public(path), "{path}");
        }
        for path in ["/apps", "/app.js", "/media-v2/assets", "/docsx"] {
            assert!(!is_public(path), "{path}");
        }
    }

    #[test]
    fn posts_that_write_nothing_need_read_only() {
        for path in [
            "/video/projects/p1/export",
            "/video/sequences/s1/export",
            "/audio/to-video-origin/a1/export",
            "/audio/semantic-timeline/a1/export",
            "/audio/semantic-timeline/by-clip/c1/export",
            "/audio/samples/archive",
        ] {
            assert_eq!(needed(&Method::POST, path), AccessLevel::Read, "{path}");
            assert_eq!(needed(&Method::DELETE, path), AccessLevel::Write, "{path}");
        }
        for path in [
            "/video/tracks/t1/export",
            "/video/projects/p1/export/",
            "/video/projects/p1",
            "/export",
            "/media-v2/links",
        ] {
            assert_eq!(needed(&Method::POST, path), AccessLevel::Write, "{path}");
            assert_eq!(needed(&Method::GET, path), AccessLevel::Read, "{path}");
        }
    }
}
