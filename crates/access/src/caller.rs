use http::{HeaderMap, HeaderValue, StatusCode};
use http_kit::{AccessLevel, Id, Problem, Scope};

/// Who calls, as a key, a token or a link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The owner of everything the call reads and writes.
    pub scope: Scope,
    /// The user; none leaves it to the header `X-User-Id`.
    pub user_id: Option<Id>,
    /// What the call may do.
    pub level: AccessLevel,
}

impl Caller {
    /// Puts the context into the headers.
    ///
    /// # Errors
    /// 403 `context_mismatch` where a header says something else.
    pub(crate) fn apply_to(&self, headers: &mut HeaderMap) -> Result<(), Problem> {
        let tenant_and_env = [("X-Tenant-Id", &self.scope.tenant_id), ("X-Env", &self.scope.env)];
        for (name, id) in tenant_and_env.into_iter().chain(self.user_id.as_ref().map(|id| ("X-User-Id", id)))
        {
            if headers.get_all(name).iter().any(|value| value != id.as_str()) {
                let detail = format!("the header {name} differs from the credentials: leave it out");
                return Err(Problem::new(StatusCode::FORBIDDEN, "context_mismatch", detail));
            }
            // The alphabet of ids is that of header values.
            let value = HeaderValue::from_str(id.as_str()).map_err(Problem::internal)?;
            headers.insert(name, value);
        }
        Ok(())
    }
}
