//! Protection against pages of other sites, which browsers run with access to this machine.

use http::{HeaderMap, Method, Uri, header};

use crate::Error;

/// Hosts under which the service answers, and origins whose pages may write.
#[derive(Clone, Debug, Default)]
pub struct BrowserPolicy {
    /// Answer only under these host names (lower case, without a port); `None` for all. Set where callers are not
    /// authenticated: a name of another site that resolves to this machine (DNS rebinding) is refused.
    pub hosts: Option<Vec<String>>,
    /// Origins whose pages may call the service, in addition to its own.
    pub origins: Vec<String>,
}

impl BrowserPolicy {
    /// Host names of the loopback interface.
    #[must_use]
    pub fn loopback_hosts() -> Vec<String> {
        ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).into()
    }

    /// # Errors
    /// [`Error::HostNotAllowed`]; [`Error::CrossSite`] for a write that a page of another site sends.
    pub(crate) fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let authority = uri.authority().map(http::uri::Authority::as_str);
        let host = authority.or_else(|| text(header::HOST)).unwrap_or_default().to_lowercase();
        if let Some(hosts) = &self.hosts
            && !hosts.iter().any(|known| known == without_port(&host))
        {
            return Err(Error::HostNotAllowed(host.chars().take(100).collect()));
        }
        if method.is_safe() {
            return Ok(());
        }
        let Some(origin) = text(header::ORIGIN) else {
            let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
            return match site {
                Some(site @ ("cross-site" | "same-site")) => Err(Error::CrossSite(site.to_owned())),
                _ => Ok(()),
            };
        };
        let own = origin.split_once("://").map(|(_, host)| host.to_lowercase());
        let is_allowed = own.as_deref() == Some(&host) || self.origins.iter().any(|known| known == origin);
        if is_allowed { Ok(()) } else { Err(Error::CrossSite(origin.chars().take(100).collect())) }
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &BrowserPolicy, method: Method, pairs: &[(header::HeaderName, &str)]) -> bool {
        let headers = pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        policy.check(&method, &Uri::from_static("/media-v2/assets"), &headers).is_ok()
    }

    #[test]
    fn rebound_host_names_are_refused() {
        let policy = BrowserPolicy { hosts: Some(BrowserPolicy::loopback_hosts()), origins: Vec::new() };
        for host in ["localhost", "LOCALHOST:8090", "127.0.0.1:1", "[::1]:8090", "[::1]"] {
            assert!(check(&policy, Method::GET, &[(header::HOST, host)]), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8090", "127.0.0.1.evil.example", ""] {
            assert!(!check(&policy, Method::GET, &[(header::HOST, host)]), "{host}");
        }
    }

    #[test]
    fn cross_site_writes_are_refused() {
        let policy = BrowserPolicy { hosts: None, origins: vec!["https://editor.example".to_owned()] };
        let from = |method, origin| {
            check(&policy, method, &[(header::HOST, "localhost:8090"), (header::ORIGIN, origin)])
        };
        assert!(from(Method::POST, "http://localhost:8090"));
        assert!(from(Method::POST, "https://editor.example"));
        assert!(from(Method::GET, "https://evil.example"), "answers are not readable without CORS");
        for origin in ["https://evil.example", "null", "http://localhost:8091"] {
            assert!(!from(Method::POST, origin), "{origin}");
        }
        let fetched = |site| {
            let site = (header::HeaderName::from_static("sec-fetch-site"), site);
            check(&policy, Method::POST, &[(header::HOST, "localhost:8090"), site])
        };
        assert!(!fetched("cross-site") && fetched("same-origin") && fetched("none"));
        assert!(check(&policy, Method::POST, &[(header::HOST, "localhost:8090")]), "no browser");
    }
}
