use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outbound::{Addrs, Name, Resolve, Resolving};
use primitives::{AccessLevel, Scope};
use remote_source::{Piece, RemoteConfig, RemoteError, RemoteSources, TransferLimits};
use test_kit::WebServer;

/// Limit of files in these tests, in bytes.
pub(crate) const LIMIT: u64 = 8 << 20;
/// Attempts without progress, of which the last one fails.
pub(crate) const ATTEMPTS: usize = 3;

/// Every host with the port of `server`; of the addresses that are not public, 127.0.0.1 alone.
pub(crate) fn config(server: &WebServer) -> RemoteConfig {
    RemoteConfig {
        hosts: vec!["*".parse().unwrap()],
        ports: vec![server.port()],
        networks: vec!["127.0.0.1".parse().unwrap()],
        limits: TransferLimits {
            attempts: ATTEMPTS as u32,
            pause: Duration::from_millis(1),
            ..TransferLimits::default()
        },
        ..RemoteConfig::default()
    }
}

/// What a transfer returned: its bytes, and how often it started again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fetched {
    pub(crate) bytes: Vec<u8>,
    pub(crate) restarts: usize,
}

pub(crate) async fn fetch(config: RemoteConfig, uri: &str) -> Result<Fetched, RemoteError> {
    let sources = RemoteSources::new(config).unwrap();
    let owner = Scope { tenant_id: "t1".parse().unwrap(), env: "dev".parse().unwrap() };
    let location = sources.locate(&uri.parse().unwrap(), &owner, AccessLevel::Admin)?;
    let mut transfer = sources.fetch(location, LIMIT);
    let mut fetched = Fetched::default();
    while let Some(piece) = transfer.next().await? {
        match piece {
            Piece::Bytes(bytes) => fetched.bytes.extend_from_slice(&bytes),
            Piece::Restart => fetched = Fetched { bytes: Vec::new(), restarts: fetched.restarts + 1 },
        }
    }
    Ok(fetched)
}

/// Fetches `/talk.wav` of `server`.
pub(crate) async fn fetch_talk(server: &WebServer) -> Result<Fetched, RemoteError> {
    fetch(config(server), &server.url("/talk.wav")).await
}

/// The name of an error's variant.
pub(crate) fn kind(result: &Result<Fetched, RemoteError>) -> &'static str {
    match result {
        Ok(_) => "fetched",
        Err(RemoteError::NotAllowed(_)) => "not allowed",
        Err(RemoteError::NeedsAdmin) => "needs admin",
        Err(RemoteError::AddressRefused(_)) => "address refused",
        Err(RemoteError::RedirectRefused(_)) => "redirect refused",
        Err(RemoteError::Unreadable(_)) => "unreadable",
        Err(RemoteError::TooLarge { .. }) => "too large",
        Err(RemoteError::Changed) => "changed",
        Err(RemoteError::Truncated(_)) => "truncated",
        Err(RemoteError::InvalidAnswer(_)) => "invalid answer",
        Err(RemoteError::TimedOut(_)) => "timed out",
        Err(RemoteError::Unavailable(_)) => "unavailable",
        Err(RemoteError::Client(_)) => "client",
    }
}

/// Bytes of a file, different at each position.
pub(crate) fn file(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 % 251) as u8).collect()
}

/// Names with the addresses that each resolution has: the first in the list, then the next, the last one for ever.
pub(crate) struct Names(Mutex<BTreeMap<String, VecDeque<Vec<IpAddr>>>>);

impl Names {
    pub(crate) fn new<const N: usize>(name: &str, resolutions: [&[&str]; N]) -> Arc<Self> {
        let resolutions = resolutions.into_iter().map(addresses).collect();
        Arc::new(Self(Mutex::new(BTreeMap::from([(name.to_owned(), resolutions)]))))
    }
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let mut names = self.0.lock().unwrap();
        let resolutions = names.get_mut(name.as_str());
        let found = resolutions.and_then(|resolutions| match resolutions.len() {
            0 | 1 => resolutions.front().cloned(),
            _ => resolutions.pop_front(),
        });
        let addresses = found.unwrap_or_default().into_iter().map(|address| SocketAddr::new(address, 0));
        let addresses: Addrs = Box::new(addresses);
        Box::pin(async move { Ok(addresses) })
    }
}
