//! The tenant of the current call, a task-local: queues share capacity between tenants without a parameter in every
//! call.

use std::sync::{Arc, OnceLock};

use primitives::Id;

tokio::task_local! {
    /// Set when the context of the call is resolved.
    static TENANT: Arc<OnceLock<Id>>;
}

/// Runs a call whose tenant is not known yet; [`note`] sets it.
pub async fn begin<F: Future>(call: F) -> F::Output {
    TENANT.scope(Arc::default(), call).await
}

/// Passes the tenant of this task on to the task that `call` is spawned on.
pub fn carry<F: Future>(call: F) -> impl Future<Output = F::Output> {
    let tenant = TENANT.try_with(Arc::clone).unwrap_or_default();
    TENANT.scope(tenant, call)
}

/// Sets the tenant of this call. The first value wins: a call has one tenant.
pub fn note(tenant: &Id) {
    // Outside of a call, as in commands, there is no tenant.
    let _ = TENANT.try_with(|known| known.get_or_init(|| tenant.clone()).clone());
}

/// The tenant of this task's call; none outside of calls and before the context is resolved.
pub fn current() -> Option<Id> {
    TENANT.try_with(|known| known.get().cloned()).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tenant_is_carried_to_a_spawned_task() {
        let call = begin(async {
            note(&"t1".parse().unwrap());
            note(&"t2".parse().unwrap());
            tokio::spawn(carry(async { current() })).await.unwrap()
        });
        assert_eq!(call.await, Some("t1".parse().unwrap()));
        assert_eq!(current(), None);
    }
}
