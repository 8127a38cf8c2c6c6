//! Rules for URLs of web servers.

use std::net::IpAddr;

use outbound::{Network, is_public};
use url::{Host, Url};

use crate::{HostPattern, RemoteError};

/// The servers that files may be fetched from.
#[derive(Debug, Default)]
pub(crate) struct WebRules {
    pub(crate) hosts: Vec<HostPattern>,
    pub(crate) ports: Vec<u16>,
    /// Ranges of addresses that are allowed although they are not public.
    pub(crate) networks: Vec<Network>,
}

impl WebRules {
    /// Checks a URL, without resolving its host.
    ///
    /// # Errors
    /// [`RemoteError::NotAllowed`], and [`RemoteError::AddressRefused`] for a literal address.
    pub(crate) fn check(&self, url: &Url) -> Result<(), RemoteError> {
        let refused = |detail: String| Err(RemoteError::NotAllowed(detail));
        if !matches!(url.scheme(), "http" | "https") {
            return refused(format!("the scheme `{}`", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("a user name or password in the URL".to_owned());
        }
        let Some(name) = url.host_str() else { return refused("a URL without a host".to_owned()) };
        if !self.hosts.iter().any(|pattern| pattern.matches(name)) {
            return refused(format!("the host `{name}`, which is not among those of `--source-host`"));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if !self.ports.contains(&port) {
            return refused(format!("the port {port}, which is not among those of `--source-port`"));
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        // A literal address is not resolved, and so not checked again.
        if self.allows(address) { Ok(()) } else { Err(RemoteError::AddressRefused(name.to_owned())) }
    }

    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.networks.iter().any(|network| network.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> &'static str {
        let rules = WebRules {
            hosts: ["media.example.org", "10.1.2.3", "169.254.169.254", "[::1]"]
                .map(|host| host.parse().unwrap())
                .into(),
            ports: vec![80, 443],
            networks: vec!["10.0.0.0/8".parse().unwrap()],
        };
        match rules.check(&url.parse().unwrap()) {
            Ok(()) => "allowed",
            Err(RemoteError::NotAllowed(_)) => "not allowed",
            Err(RemoteError::AddressRefused(_)) => "address refused",
            Err(_) => "other",
        }
    }

    #[test]
    fn urls_are_checked_before_any_request() {
        for (url, expected) in [
            ("https://media.example.org/a.wav?signature=b", "allowed"),
            ("http://media.example.org:443/a.wav", "allowed"),
            ("http://10.1.2.3/a.wav", "allowed"),
            ("http://0x0a010203/a.wav", "allowed"),
            ("https://media.example.org:22/a.wav", "not allowed"),
            ("https://user@media.example.org/a.wav", "not allowed"),
            ("https://:secret@media.example.org/a.wav", "not allowed"),
            ("https://other.example.org/a.wav", "not allowed"),
            ("ftp://media.example.org/a.wav", "not allowed"),
            ("http://10.1.2.4/a.wav", "not allowed"),
            ("http://169.254.169.254/latest/meta-data/", "address refused"),
            ("http://[::1]/a.wav", "address refused"),
        ] {
            assert_eq!(check(url), expected, "{url}");
        }
        let none = WebRules::default();
        let refused = none.check(&"https://media.example.org/".parse().unwrap()).unwrap_err().to_string();
        assert!(refused.contains("--source-host"), "{refused}");
    }
}
