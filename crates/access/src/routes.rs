use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use chrono::{DateTime, TimeDelta, Utc};
use http_kit::codes::INVALID_BODY;
use http_kit::{ContextJson, Json, Problem};
use primitives::Clock;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{BaseUrl, Links};

/// Maximum validity of a link in seconds: seven days.
const MAX_SECONDS: u32 = 7 * 24 * 3_600;

#[derive(Clone)]
struct LinkRoutes {
    links: Links,
    clock: Arc<dyn Clock>,
    base: BaseUrl,
}

/// Route `POST /media-v2/links`. Links begin with `base`.
pub fn router(links: Links, clock: Arc<dyn Clock>, base: BaseUrl) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(create_link)).with_state(LinkRoutes { links, clock, base })
}

/// Path and validity of a new link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateLink {
    tenant_id: Option<String>,
    env: Option<String>,
    user_id: Option<String>,
    /// The path of content, a waveform, a plot, a transcript, an export or a job's events, with its query.
    #[schema(example = "/media-v2/assets/asset_0198c5a2f0b17c3e9a5d/content")]
    path: String,
    /// Validity in seconds; one hour by default.
    #[schema(minimum = 1, maximum = 604_800, default = 3_600)]
    expires_in_s: Option<u32>,
}

http_kit::context_fields!(CreateLink);

/// A signed link and its expiry.
#[derive(Debug, Serialize, ToSchema)]
struct Link {
    /// URL for GET without credentials; `Range` works.
    url: String,
    /// When the link expires.
    expires_at: DateTime<Utc>,
}

http_kit::error_responses!(CreateLinkErrors: INVALID_BODY);

/// Create a signed link
///
/// For players, ffmpeg and editors, which send no headers. It is valid for this path only, with this tenant and
/// environment.
#[utoipa::path(
    post,
    path = "/media-v2/links",
    operation_id = "create_link",
    tag = "media_v2",
    request_body = CreateLink,
    responses((status = 200, body = Link), CreateLinkErrors)
)]
async fn create_link(
    State(routes): State<LinkRoutes>,
    uri: Uri,
    headers: HeaderMap,
    ContextJson(context, body): ContextJson<CreateLink>,
) -> Result<Json<Link>, Problem> {
    let seconds = body.expires_in_s.unwrap_or(3_600);
    if !(1..=MAX_SECONDS).contains(&seconds) {
        let detail = format!("is {seconds}; expected 1 to {MAX_SECONDS}");
        return Err(Problem::invalid_field("/expires_in_s", detail));
    }
    let now = routes.clock.now();
    // In whole seconds, the resolution of a link.
    let expires_at = now + TimeDelta::seconds(seconds.into())
        - TimeDelta::nanoseconds(now.timestamp_subsec_nanos().into());
    let path = routes.links.sign(&context.scope, &body.path, expires_at).await?;
    let base = routes.base.of_request(&uri, &headers);
    Ok(Json(Link { url: format!("{base}{path}"), expires_at }))
}
