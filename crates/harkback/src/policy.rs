//! Access policy from the settings.

use std::sync::Arc;

use access::{Access, ApiKeys, Authentication, BrowserPolicy, JwtSettings, JwtVerifier, Links};
use anyhow::Context;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use primitives::{Clock, SystemClock};
use sqlx::PgPool;
use tower::ServiceExt as _;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};
use tower_http::cors::{AllowHeaders, AllowMethods, CorsLayer};

use crate::config::{AuthMode, Config};

/// Headers of answers that pages of other origins may read.
const EXPOSED: [HeaderName; 20] = [
    header::ACCEPT_RANGES,
    header::CONTENT_DISPOSITION,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LOCATION,
    header::RETRY_AFTER,
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("idempotency-replayed"),
    HeaderName::from_static("harkback-warnings"),
    // Those of resumable uploads.
    HeaderName::from_static("harkback-asset-id"),
    HeaderName::from_static("tus-checksum-algorithm"),
    HeaderName::from_static("tus-extension"),
    HeaderName::from_static("tus-max-size"),
    HeaderName::from_static("tus-resumable"),
    HeaderName::from_static("tus-version"),
    HeaderName::from_static("upload-expires"),
    HeaderName::from_static("upload-length"),
    HeaderName::from_static("upload-metadata"),
    HeaderName::from_static("upload-offset"),
];
/// Path of resumable uploads.
const UPLOADS: &str = "/media-v2/uploads";
/// Minimum size of a compressed answer, in bytes.
const MIN_COMPRESSED: u64 = 860;

/// Checks the settings of the access policy, before anything is created or started.
///
/// # Errors
/// When the settings expose the service to every caller without a flag that allows it, or are incomplete.
pub(crate) fn check(config: &Config) -> anyhow::Result<()> {
    let is_open = config.auth == AuthMode::None && !config.listen.ip().is_loopback();
    anyhow::ensure!(
        !is_open || config.trust_context_headers,
        "--listen {} is reachable from other machines, and --auth none trusts the tenant that callers name: \
         use --auth keys or --auth jwt, or --trust-context-headers behind a proxy that sets these headers",
        config.listen
    );
    if config.auth == AuthMode::Jwt {
        jwt(config)?;
    }
    cors(config).map(drop)
}

/// Builds the access policy of the service.
///
/// # Errors
/// As [`check`]; when the client of the token issuer cannot be built.
pub(crate) fn access(config: &Config, pool: PgPool) -> anyhow::Result<Access> {
    check(config)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let authentication = match config.auth {
        AuthMode::None => Authentication::None,
        AuthMode::Keys => Authentication::Keys(ApiKeys::new(pool.clone(), clock.clone())),
        AuthMode::Jwt => {
            let verifier = JwtVerifier::new(jwt(config)?, clock.clone());
            Authentication::Jwt(Arc::new(verifier.context("no HTTP client for the issuer's keys")?))
        }
    };
    let browsers = BrowserPolicy { hosts: hosts(config), origins: config.cors_origins.clone() };
    Ok(Access { authentication, links: Links::new(pool, clock), browsers: Arc::new(browsers) })
}

/// Host names of the service where any caller on this machine is accepted; `None` for all names.
fn hosts(config: &Config) -> Option<Vec<String>> {
    if config.auth != AuthMode::None || config.trust_context_headers {
        return None;
    }
    let mut hosts = BrowserPolicy::loopback_hosts();
    hosts.push(config.listen.ip().to_string());
    hosts.extend(config.public_url.as_ref().and_then(|url| url.host_str()).map(str::to_lowercase));
    Some(hosts)
}

fn jwt(config: &Config) -> anyhow::Result<JwtSettings> {
    let needed = "--auth jwt needs --jwt-issuer, --jwt-audience and --jwt-jwks-url";
    Ok(JwtSettings {
        issuer: config.jwt_issuer.clone().context(needed)?,
        audience: config.jwt_audience.clone().context(needed)?,
        jwks_url: config.jwt_jwks_url.clone().context(needed)?,
        tenant_claim: config.jwt_tenant_claim.clone(),
        env_claim: config.jwt_env_claim.clone(),
        user_claim: config.jwt_user_claim.clone(),
        scope_claim: config.jwt_scope_claim.clone(),
    })
}

/// Allows pages of the configured origins to call `router`. The layer for that answers every OPTIONS; a client of
/// resumable uploads that asks for their extensions gets the answer of the route.
pub(crate) fn with_cors(router: Router, config: &Config) -> anyhow::Result<Router> {
    let routes = router.clone();
    Ok(router.layer(cors(config)?).layer(from_fn_with_state(routes, upload_options)))
}

async fn upload_options(State(routes): State<Router>, request: Request, next: Next) -> Response {
    let is_preflight = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() != Method::OPTIONS || is_preflight || request.uri().path() != UPLOADS {
        return next.run(request).await;
    }
    let Ok(response) = routes.oneshot(request).await;
    response
}

/// Allows pages of the configured origins to call the service and read its answers.
fn cors(config: &Config) -> anyhow::Result<CorsLayer> {
    let origin = |origin: &String| {
        HeaderValue::from_str(origin).with_context(|| format!("--cors-origin {origin} is not an origin"))
    };
    let origins: Vec<HeaderValue> = config.cors_origins.iter().map(origin).collect::<anyhow::Result<_>>()?;
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    Ok(CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(AllowMethods::list(methods))
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(std::time::Duration::from_secs(600)))
}

/// Compresses JSON and the files of the page; media are compressed already, and their ranges refer to the stored bytes.
pub(crate) fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new().compress_when(SizeAbove::new(MIN_COMPRESSED).and(JsonOrPage))
}

#[derive(Clone, Copy, Debug)]
struct JsonOrPage;

impl Predicate for JsonOrPage {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        if response.extensions().get::<page::StaticFile>().is_some() {
            return true;
        }
        let media_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
        let is_json = media_type == "application/json" || media_type == "application/problem+json";
        // Stored content has a strong entity tag, which identifies its bytes.
        is_json && !response.headers().contains_key(header::ETAG)
    }
}
