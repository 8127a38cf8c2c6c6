//! Hosts that files may be fetched from.

use std::str::FromStr;

use url::Host;

/// A host, or the subdomains of one: `media.example.org`, `*.example.org`, or `*` for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern(Pattern);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Any,
    /// Names that end with this text, which begins with a dot.
    Below(String),
    /// A name or address, as in a parsed URL.
    Exact(String),
}

/// The text is not a pattern of hosts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host; expected for example media.example.org, *.example.org, 192.0.2.1 or *")]
pub struct InvalidHost(String);

impl HostPattern {
    /// Whether the pattern includes `host`, which is written as in a parsed URL.
    pub(crate) fn matches(&self, host: &str) -> bool {
        match &self.0 {
            Pattern::Any => true,
            Pattern::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
            Pattern::Exact(name) => host == name,
        }
    }
}

impl FromStr for HostPattern {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let invalid = || InvalidHost(text.to_owned());
        if text == "*" {
            return Ok(Self(Pattern::Any));
        }
        let (is_below, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
        match Host::parse(name).map_err(|_| invalid())? {
            Host::Domain(name) if name.contains('*') => Err(invalid()),
            Host::Domain(name) if is_below => Ok(Self(Pattern::Below(format!(".{name}")))),
            _ if is_below => Err(invalid()),
            host => Ok(Self(Pattern::Exact(host.to_string()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_hosts_of_urls() {
        for (pattern, url, expected) in [
            ("media.example.org", "https://MEDIA.example.org/a", true),
            ("Media.Example.org", "https://media.example.org:8443/a", true),
            ("example.org", "https://media.example.org/a", false),
            ("example.org", "https://example.org.evil.test/a", false),
            ("*.example.org", "https://a.b.example.org/a", true),
            ("*.example.org", "https://example.org/a", false),
            ("*.example.org", "https://evilexample.org/a", false),
            ("127.0.0.1", "http://127.1/a", true),
            ("[::1]", "http://[0:0::1]/a", true),
            ("bücher.example", "https://xn--bcher-kva.example/a", true),
            ("*", "https://anything.test/a", true),
        ] {
            let url: url::Url = url.parse().unwrap();
            let pattern: HostPattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(url.host_str().unwrap()), expected, "{pattern:?} {url}");
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for text in
            ["", "*.", "https://example.org", "example.org/a", "example.org:80", "*.1.2.3.4", "a.*.org"]
        {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
