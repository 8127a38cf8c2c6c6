//! The tenant of the current call, a task-local: queues share places between tenants without a parameter in every call.

use std::sync::{Arc, OnceLock};

use crate::Id;

tokio::task_local! {
    /// Filled when the context of the call is resolved.
    static TENANT: Arc<OnceLock<Id>>;
}

/// Runs a call whose tenant is not known yet.
pub(crate) async fn begin<F: Future>(call: F) -> F::Output {
    TENANT.scope(Arc::default(), call).await
}

/// Takes the tenant of this task along to the task that `call` is spawned on.
pub(crate) fn carry<F: Future>(call: F) -> impl Future<Output = F::Output> {
    let tenant = TENANT.try_with(Arc::clone).unwrap_or_default();
    TENANT.scope(tenant, call)
}

/// Notes whose call this is. The first one counts: a call has one tenant.
pub(crate) fn note(tenant: &Id) {
    // Outside of a call, as in commands, there is no tenant to share with.
    let _ = TENANT.try_with(|known| known.get_or_init(|| tenant.clone()).clone());
}

/// The tenant of this task's call; none outside of calls and before the context is resolved.
pub(crate) fn current() -> Option<Id> {
    TENANT.try_with(|known| known.get().cloned()).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tenant_goes_along_to_a_task() {
        let call = begin(async {
            note(&"t1".parse().unwrap());
            note(&"t2".parse().unwrap());
            tokio::spawn(carry(async { current() })).await.unwrap()
        });
        assert_eq!(call.await, Some("t1".parse().unwrap()));
        assert_eq!(current(), None);
    }
}
