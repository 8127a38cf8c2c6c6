//! Resolution of names to addresses that may be reached.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The resolver of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The connector sets the port.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// A name has no address that may be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} has no public address")]
pub struct AddressRefused {
    host: String,
}

impl AddressRefused {
    /// Whether `error`, or one of its sources, is an [`AddressRefused`].
    #[must_use]
    pub fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<Self>())
    }
}

/// Resolves names to the allowed addresses only.
pub(crate) struct CheckingResolver<A> {
    allows: Arc<A>,
    names: Arc<dyn Resolve>,
}

impl<A> CheckingResolver<A> {
    pub(crate) fn new(allows: A, names: Arc<dyn Resolve>) -> Self {
        Self { allows: Arc::new(allows), names }
    }
}

impl<A: Fn(IpAddr) -> bool + Send + Sync + 'static> Resolve for CheckingResolver<A> {
    fn resolve(&self, name: Name) -> Resolving {
        let (allows, host) = (self.allows.clone(), name.as_str().to_owned());
        let resolving = self.names.resolve(name);
        Box::pin(async move {
            let allowed: Vec<SocketAddr> = resolving.await?.filter(|address| allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(AddressRefused { host }.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
