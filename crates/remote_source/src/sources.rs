use std::fmt;
use std::sync::Arc;

use blob_store::{BlobError, open_bucket};
use object_store::ObjectStore;
use object_store::path::Path;
use outbound::{Network, Resolve, SystemResolver};
use primitives::{AccessLevel, Scope};
use reqwest::Client;
use tokio::sync::OnceCell;
use url::Url;

use crate::location::Place;
use crate::rules::WebRules;
use crate::{BucketPattern, HostPattern, Location, RemoteError, Transfer, TransferLimits};

const USER_AGENT: &str = concat!("harkback/", env!("CARGO_PKG_VERSION"));

/// Configuration of [`RemoteSources`].
pub struct RemoteConfig {
    /// Hosts for `http://` and `https://`; by default none.
    pub hosts: Vec<HostPattern>,
    /// Ports of these hosts; by default 80 and 443.
    pub ports: Vec<u16>,
    /// Ranges of addresses that are allowed although they are not public; by default none.
    pub networks: Vec<Network>,
    /// Buckets for `s3://`, `gs://` and `az://`; by default none.
    pub buckets: Vec<BucketPattern>,
    /// Credentials and settings of the object stores, as of [`BlobStore::open`](blob_store::BlobStore::open).
    pub store_options: Vec<(String, String)>,
    /// Limits of each transfer.
    pub limits: TransferLimits,
    /// Resolves the names of hosts; by default the operating system.
    pub names: Arc<dyn Resolve>,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            ports: vec![80, 443],
            networks: Vec::new(),
            buckets: Vec::new(),
            store_options: Vec::new(),
            limits: TransferLimits::default(),
            names: Arc::new(SystemResolver),
        }
    }
}

/// The files elsewhere that may be fetched: by default none. Cheap to clone.
#[derive(Clone)]
pub struct RemoteSources(Arc<Inner>);

struct Inner {
    rules: Arc<WebRules>,
    buckets: Vec<Bucket>,
    limits: TransferLimits,
    names: Arc<dyn Resolve>,
    client: OnceCell<Client>,
}

/// An allowed bucket.
#[derive(Debug)]
struct Bucket {
    pattern: BucketPattern,
    store: Arc<dyn ObjectStore>,
}

impl RemoteSources {
    /// Opens the buckets; nothing is requested from them.
    ///
    /// # Errors
    /// [`BlobError::InvalidUrl`] for a bucket that cannot be opened with these options.
    pub fn new(config: RemoteConfig) -> Result<Self, BlobError> {
        let RemoteConfig { hosts, ports, networks, buckets, store_options, limits, names } = config;
        let open = |pattern: BucketPattern| {
            let url = pattern.url();
            let invalid = |error: url::ParseError| BlobError::InvalidUrl {
                url: url.clone(),
                reason: error.to_string(),
            };
            let store = open_bucket(&Url::parse(&url).map_err(invalid)?, store_options.iter().cloned())?;
            Ok::<_, BlobError>(Bucket { pattern, store })
        };
        let buckets = buckets.into_iter().map(open).collect::<Result<_, BlobError>>()?;
        let rules = Arc::new(WebRules { hosts, ports, networks });
        Ok(Self(Arc::new(Inner { rules, buckets, limits, names, client: OnceCell::new() })))
    }

    /// Whether URIs of this scheme are of files elsewhere.
    #[must_use]
    pub fn is_remote(scheme: &str) -> bool {
        matches!(scheme, "http" | "https" | "s3" | "gs" | "az")
    }

    /// Finds the file at `uri`, without any request: an administrator may read all allowed buckets, other callers those
    /// divided by tenants.
    ///
    /// # Errors
    /// [`RemoteError::NotAllowed`], [`RemoteError::AddressRefused`], [`RemoteError::NeedsAdmin`].
    pub fn locate(&self, uri: &Url, owner: &Scope, level: AccessLevel) -> Result<Location, RemoteError> {
        match uri.scheme() {
            "s3" | "gs" | "az" => self.locate_object(uri, owner, level),
            _ => self.0.rules.check(uri).map(|()| Location(Place::Web(uri.clone()))),
        }
    }

    fn locate_object(&self, uri: &Url, owner: &Scope, level: AccessLevel) -> Result<Location, RemoteError> {
        let not_allowed = |detail: &str| RemoteError::NotAllowed(detail.to_owned());
        if !uri.username().is_empty() || uri.password().is_some() || uri.port().is_some() {
            return Err(not_allowed("a user name, password or port in the URI"));
        }
        if uri.query().is_some() || uri.fragment().is_some() {
            return Err(not_allowed(
                "a query or fragment in the URI; write `?` as `%3F` and `#` as `%23` in a key",
            ));
        }
        let bucket = uri.host_str().unwrap_or_default();
        let key = Path::from_url_path(uri.path()).map_err(|_| not_allowed("a malformed key in the URI"))?;
        let found = self.0.buckets.iter().filter(|allowed| {
            allowed.pattern.is_bucket(uri.scheme(), bucket) && allowed.pattern.contains(&key, owner)
        });
        let mut needs_admin = false;
        for allowed in found {
            if level == AccessLevel::Admin || allowed.pattern.is_owned() {
                let (store, key) = (allowed.store.clone(), key.clone());
                return Ok(Location(Place::Object { store, key, uri: uri.clone() }));
            }
            needs_admin = true;
        }
        if needs_admin {
            return Err(RemoteError::NeedsAdmin);
        }
        let detail =
            format!("the object, which is in no bucket or prefix of `--source-bucket` (bucket `{bucket}`)");
        Err(RemoteError::NotAllowed(detail))
    }

    /// Begins to fetch a file of at most `limit_bytes`. The first request is that of [`Transfer::next`].
    #[must_use]
    pub fn fetch(&self, location: Location, limit_bytes: u64) -> Transfer {
        Transfer::new(self.clone(), location, limit_bytes, self.0.limits)
    }

    pub(crate) fn rules(&self) -> &WebRules {
        &self.0.rules
    }

    /// The client for web servers, which keeps no connection after an answer.
    pub(crate) async fn client(&self) -> Result<&Client, RemoteError> {
        let Inner { rules, names, client, .. } = &*self.0;
        let make = || async move {
            let (rules, names) = (rules.clone(), names.clone());
            // Reads the certificates of the machine.
            let built = tokio::task::spawn_blocking(move || {
                outbound::checking_client(move |address| rules.allows(address), names)
                    .user_agent(USER_AGENT)
                    .referer(false)
                    .http1_only()
                    .pool_max_idle_per_host(0)
                    .no_gzip()
                    .no_brotli()
                    .no_zstd()
                    .no_deflate()
                    .build()
            });
            let built = built.await.map_err(|error| RemoteError::Client(std::io::Error::other(error)))?;
            built.map_err(|error| RemoteError::Client(std::io::Error::other(error)))
        };
        client.get_or_try_init(make).await
    }
}

impl Default for RemoteSources {
    fn default() -> Self {
        let RemoteConfig { ports, limits, names, .. } = RemoteConfig::default();
        let rules = Arc::new(WebRules { ports, ..WebRules::default() });
        Self(Arc::new(Inner { rules, buckets: Vec::new(), limits, names, client: OnceCell::new() }))
    }
}

impl fmt::Debug for RemoteSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { rules, buckets, limits, .. } = &*self.0;
        f.debug_struct("RemoteSources")
            .field("rules", rules)
            .field("buckets", buckets)
            .field("limits", limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(uri: &str, level: AccessLevel) -> String {
        let options = [("aws_region", "a"), ("aws_access_key_id", "b"), ("aws_secret_access_key", "c")];
        let sources = RemoteSources::new(RemoteConfig {
            buckets: ["s3://media/{tenant}", "s3://media/shared"].map(|text| text.parse().unwrap()).into(),
            store_options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..RemoteConfig::default()
        });
        let owner = Scope { tenant_id: "t1".parse().unwrap(), env: "dev".parse().unwrap() };
        match sources.unwrap().locate(&uri.parse().unwrap(), &owner, level) {
            Ok(Location(Place::Object { key, .. })) => key.to_string(),
            Ok(_) => "web".to_owned(),
            Err(RemoteError::NotAllowed(_)) => "not allowed".to_owned(),
            Err(RemoteError::NeedsAdmin) => "needs admin".to_owned(),
            Err(error) => format!("other: {error}"),
        }
    }

    #[test]
    fn buckets_that_are_not_divided_by_tenants_are_for_administrators() {
        let (write, admin) = (AccessLevel::Write, AccessLevel::Admin);
        for (uri, level, expected) in [
            ("s3://media/t1/take%201.wav", write, "t1/take 1.wav"),
            ("s3://media/t2/a.wav", admin, "not allowed"),
            ("s3://media/shared/a.wav", write, "needs admin"),
            ("s3://media/shared/a.wav", admin, "shared/a.wav"),
            ("s3://media/shared/../t2/a.wav", admin, "not allowed"),
            ("s3://media/shared/%2e%2e/t2/a.wav", admin, "not allowed"),
            ("s3://media/shared%2f..%2ft2/a.wav", admin, "not allowed"),
            ("s3://media/other/a.wav", admin, "not allowed"),
            ("s3://other/t1/a.wav", admin, "not allowed"),
            ("gs://media/t1/a.wav", admin, "not allowed"),
            ("s3://key:secret@media/t1/a.wav", admin, "not allowed"),
            ("s3://media/t1/a.wav?versionId=1", admin, "not allowed"),
            ("s3://media", admin, "not allowed"),
        ] {
            assert_eq!(locate(uri, level), expected, "{uri}");
        }
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        let owner = Scope { tenant_id: "t1".parse().unwrap(), env: "dev".parse().unwrap() };
        for (uri, setting) in
            [("https://media.example.org/a", "--source-host"), ("s3://media/a", "--source-bucket")]
        {
            let refused = RemoteSources::default().locate(&uri.parse().unwrap(), &owner, AccessLevel::Admin);
            let Err(RemoteError::NotAllowed(detail)) = refused else { panic!("{uri}: {refused:?}") };
            assert!(detail.contains(setting), "{detail}");
        }
    }
}
