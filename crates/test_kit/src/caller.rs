use http_kit::RequestContext;
use primitives::Scope;

/// A tenant's environment `dev`.
///
/// # Panics
/// When the tenant's id is malformed.
#[must_use]
pub fn scope(tenant: &str) -> Scope {
    Scope { tenant_id: tenant.parse().expect("a tenant's id"), env: "dev".parse().expect("an environment") }
}

/// A call by a tenant in `dev`, without a user.
#[must_use]
pub fn context(tenant: &str) -> RequestContext {
    RequestContext { scope: scope(tenant), user_id: None, request_id: "req_test".to_owned() }
}
