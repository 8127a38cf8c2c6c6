use http::{HeaderMap, HeaderValue};
use http_kit::Problem;
use http_kit::codes::CONTEXT_MISMATCH;
use primitives::{AccessLevel, Id, Scope};

/// The caller that a key, a token or a link authenticates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The owner of everything the call reads and writes.
    pub scope: Scope,
    /// The user; `None` leaves it to the header `X-User-Id`.
    pub user_id: Option<Id>,
    /// Access level of the call.
    pub level: AccessLevel,
}

impl Caller {
    /// Writes the context into the headers.
    ///
    /// # Errors
    /// 403 `context_mismatch` where a header has another value.
    pub(crate) fn apply_to(&self, headers: &mut HeaderMap) -> Result<(), Problem> {
        let tenant_and_env = [("X-Tenant-Id", &self.scope.tenant_id), ("X-Env", &self.scope.env)];
        for (name, id) in tenant_and_env.into_iter().chain(self.user_id.as_ref().map(|id| ("X-User-Id", id)))
        {
            if headers.get_all(name).iter().any(|value| value != id.as_str()) {
                let detail = format!("the header {name} differs from the credentials: omit it");
                return Err(Problem::new(CONTEXT_MISMATCH, detail));
            }
            // Every character of an id is valid in a header value.
            let value = HeaderValue::from_str(id.as_str()).map_err(Problem::internal)?;
            headers.insert(name, value);
        }
        Ok(())
    }
}
