//! HTTP client for requests to URLs that callers provide.
//!
//! A caller must not reach through this service what only the service can reach (server-side request forgery): its own
//! machine, the network around it, a cloud's metadata. So a [`Policy`] checks the address that a name resolves to when
//! the connection is made, not the name; redirects are not followed, and proxies of the environment are not used.
//! [`checking_client`] is the same client for other rules, such as [`Network`]s that an operator allows.

mod address;
mod network;
mod resolver;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use url::{Host, Url};

pub use address::is_public;
pub use network::{InvalidNetwork, Network};
pub use reqwest::dns::{Addrs, Name, Resolve, Resolving};
pub use resolver::{AddressRefused, SystemResolver};

use resolver::CheckingResolver;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum length of a URL, in bytes.
pub const MAX_URL: usize = 2_048;

/// Policy that decides which addresses may be reached.
///
/// # Examples
///
/// ```
/// use outbound::{Policy, UrlError};
///
/// let public_only = Policy::default();
/// assert!(public_only.parse("https://example.org/hook").is_ok());
/// assert!(matches!(public_only.parse("http://169.254.169.254/latest/meta-data/"), Err(UrlError::NotPublic(_))));
/// assert!(matches!(public_only.parse("file:///etc/passwd"), Err(UrlError::NotAccepted(_))));
///
/// let internal = Policy { allows_private: true };
/// assert!(internal.parse("http://127.0.0.1:8080/hook").is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether private, loopback and link-local addresses are allowed too.
    pub allows_private: bool,
}

/// Why a URL is refused.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// The text is not a URL.
    #[error("not a URL: {0}")]
    Malformed(#[from] url::ParseError),
    /// A valid URL in a form that is not accepted.
    #[error("{0}")]
    NotAccepted(&'static str),
    /// The address is not public.
    #[error("{0} is not a public address")]
    NotPublic(IpAddr),
}

impl Policy {
    /// Parses a URL that is to be requested later. Its host name is resolved only then.
    ///
    /// # Errors
    /// [`UrlError`] for a scheme other than `http` and `https`, credentials, or an address that is not allowed.
    pub fn parse(self, text: &str) -> Result<Url, UrlError> {
        if text.len() > MAX_URL {
            return Err(UrlError::NotAccepted("longer than 2048 bytes"));
        }
        let url = Url::parse(text)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::NotAccepted("expected http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::NotAccepted("expected no user name or password"));
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(url),
            None => return Err(UrlError::NotAccepted("expected a host")),
        };
        if self.allows(address) { Ok(url) } else { Err(UrlError::NotPublic(address)) }
    }

    /// A client whose requests time out after `timeout`. Request only URLs from [`Policy::parse`]: a literal address in
    /// a URL is not resolved, and so not checked again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use outbound::Policy;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // The name passes `parse`; the address that it resolves to is refused before any connection is made.
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let url = format!("http://localhost:{}/", listener.local_addr()?.port());
    /// let public_only = Policy::default();
    /// let client = public_only.client(Duration::from_secs(2))?;
    /// let error = client.get(public_only.parse(&url)?).send().await.unwrap_err();
    /// assert!(error.is_connect());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When TLS cannot be initialised.
    pub fn client(self, timeout: Duration) -> reqwest::Result<reqwest::Client> {
        checking_client(move |address| self.allows(address), Arc::new(SystemResolver))
            .timeout(timeout)
            .build()
    }

    fn allows(self, address: IpAddr) -> bool {
        self.allows_private || is_public(address)
    }
}

/// A client that connects only to addresses of names that `allows` accepts, as `names` resolves them when the connection
/// is made; a connection to another one fails with [`AddressRefused`]. It follows no redirects and uses no proxies. The
/// caller adds timeouts, and checks literal addresses in URLs, which are not resolved.
pub fn checking_client(
    allows: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
    names: Arc<dyn Resolve>,
) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .dns_resolver(CheckingResolver::new(allows, names))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked() {
        let strict = Policy::default();
        for good in
            ["https://example.org/hook?a=b", "http://93.184.215.14:8080/", "https://[2606:4700::1111]/"]
        {
            assert!(strict.parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.org",
            "ftp://example.org",
            "file:///etc/passwd",
            "https://user@example.org",
            "https:///",
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://169.254.169.254/latest/meta-data/",
        ] {
            assert!(strict.parse(bad).is_err(), "{bad}");
        }
        assert!(Policy { allows_private: true }.parse("http://127.0.0.1/").is_ok());
        assert!(strict.parse(&format!("https://example.org/{}", "a".repeat(MAX_URL))).is_err());
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let get = async |policy: Policy| {
            let client = policy.client(Duration::from_millis(500)).unwrap();
            client.get(policy.parse(&url).unwrap()).send().await.unwrap_err()
        };
        assert!(get(Policy::default()).await.is_connect());
        let accepted = tokio::spawn(async move { listener.accept().await.map(drop) });
        let _ = get(Policy { allows_private: true }).await;
        accepted.await.unwrap().unwrap();
    }
}
