use crate::Id;

/// The owner of a row: every query filters by both fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The tenant that owns the data.
    pub tenant_id: Id,
    /// One of the tenant's environments (`dev`, `prod`, …).
    pub env: Id,
}
