//! Opens object stores, with timeouts for their calls.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use crate::BlobError;

/// Retries of a request. The duration of a read includes the transfer of its bytes, so no overall timeout may end the
/// retries: each attempt has its own timeouts, and callers bound short calls.
const RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(24 * 3600);
/// Timeout for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time without a byte of the response. A read as a whole has no limit: recordings have gigabytes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of a write, which sends at most one part of an upload. The response arrives after the last byte, so an idle
/// timeout would end slow uploads.
const WRITE_TIMEOUT: Duration = Duration::from_secs(120);

/// An object store, with separate clients for reads and writes because their timeouts differ.
pub(crate) struct Remote {
    /// For all operations but uploads and copies.
    pub(crate) reads: Arc<dyn ObjectStore>,
    /// For uploads and copies.
    pub(crate) writes: Arc<dyn ObjectStore>,
    /// For multipart uploads; `None` for stores without them (in memory, HTTP).
    pub(crate) parts: Option<Arc<dyn MultipartStore>>,
    /// Key prefix of the blobs.
    pub(crate) prefix: Path,
}

/// Opens the store at `url`, with its prefix. `options` that do not apply to this kind of store are ignored.
pub(crate) fn open(url: &Url, options: impl IntoIterator<Item = (String, String)>) -> Result<Remote, Error> {
    let options: Vec<_> = options.into_iter().collect();
    let (scheme, path) = ObjectStoreScheme::parse(url)?;
    let prefix = Path::parse(path)?;
    let of_writes = client().with_timeout(WRITE_TIMEOUT);
    let (reads, writes, parts) = match (
        cloud(url, &scheme, client_of_reads(), &options)?,
        cloud(url, &scheme, of_writes, &options)?,
    ) {
        (Some((reads, _)), Some((writes, parts))) => (reads, writes, Some(parts)),
        _ => {
            let only: Arc<dyn ObjectStore> = object_store::parse_url_opts(url, options)?.0.into();
            (only.clone(), only, None)
        }
    };
    Ok(Remote { reads, writes, parts, prefix })
}

/// Opens the bucket or container at `url` (`s3://`, `gs://`, `az://`) for reading files that are not blobs, with the
/// timeouts of a blob store. `options` are those of [`BlobStore::open`](crate::BlobStore::open).
///
/// # Errors
/// [`BlobError::InvalidUrl`] for a URL or options that cannot be used.
pub fn open_bucket(
    url: &Url,
    options: impl IntoIterator<Item = (String, String)>,
) -> Result<Arc<dyn ObjectStore>, BlobError> {
    let options: Vec<_> = options.into_iter().collect();
    let opened = ObjectStoreScheme::parse(url)
        .map_err(Error::from)
        .and_then(|(scheme, _)| cloud(url, &scheme, client_of_reads(), &options));
    let invalid = |reason: String| BlobError::InvalidUrl { url: url.to_string(), reason };
    match opened {
        Ok(Some((reads, _))) => Ok(reads),
        Ok(None) => Err(invalid("it is not an object store".to_owned())),
        Err(error) => Err(invalid(error.to_string())),
    }
}

fn client() -> ClientOptions {
    ClientOptions::new().with_connect_timeout(CONNECT_TIMEOUT)
}

fn client_of_reads() -> ClientOptions {
    client().with_timeout_disabled().with_read_timeout(IDLE_TIMEOUT)
}

/// The two interfaces of one store.
type CloudStore = (Arc<dyn ObjectStore>, Arc<dyn MultipartStore>);

fn both<S: ObjectStore + MultipartStore>(store: S) -> CloudStore {
    let store = Arc::new(store);
    (store.clone(), store)
}

/// The S3, Google or Azure store of `url`; `None` for other schemes.
fn cloud(
    url: &Url,
    scheme: &ObjectStoreScheme,
    client: ClientOptions,
    options: &[(String, String)],
) -> Result<Option<CloudStore>, Error> {
    let url = url.as_str();
    Ok(Some(match scheme {
        ObjectStoreScheme::AmazonS3 => {
            let builder =
                AmazonS3Builder::new().with_url(url).with_client_options(client).with_retry(retry());
            both(configured(builder, options, AmazonS3Builder::with_config).build()?)
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            let builder = GoogleCloudStorageBuilder::new().with_url(url);
            let builder = builder.with_client_options(client).with_retry(retry());
            both(configured(builder, options, GoogleCloudStorageBuilder::with_config).build()?)
        }
        ObjectStoreScheme::MicrosoftAzure => {
            let builder = MicrosoftAzureBuilder::new().with_url(url);
            let builder = builder.with_client_options(client).with_retry(retry());
            both(configured(builder, options, MicrosoftAzureBuilder::with_config).build()?)
        }
        _ => return Ok(None),
    }))
}

/// Applied after the client's options, so that the operator's settings of the client override them.
fn configured<B, K: FromStr>(builder: B, options: &[(String, String)], set: impl Fn(B, K, String) -> B) -> B {
    let known = options.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.clone())));
    known.fold(builder, |builder, (key, value)| set(builder, key, value))
}

fn retry() -> RetryConfig {
    RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::Instant;

    use super::*;
    use crate::{BlobId, BlobStore};

    fn options(endpoint: &str) -> [(String, String); 6] {
        let options = [
            ("aws_endpoint", endpoint),
            ("aws_allow_http", "true"),
            ("aws_access_key_id", "a"),
            ("aws_secret_access_key", "b"),
            ("aws_region", "c"),
            ("google_unknown", "d"),
        ];
        options.map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    /// A store whose server handles each connection with `answer`.
    fn store(staging: &std::path::Path, answer: fn(TcpStream)) -> BlobStore {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                std::thread::spawn(move || answer(stream.unwrap()));
            }
        });
        BlobStore::open(&"s3://bucket/some/prefix".parse().unwrap(), options(&endpoint), staging).unwrap()
    }

    /// Reads the head of a request and sends the head of a response of `length` bytes.
    fn begin(stream: &mut TcpStream, length: usize) {
        let mut piece = [0; 4096];
        let _ = stream.read(&mut piece).unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\netag: \"a\"\r\n\
             content-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
    }

    #[test]
    fn only_object_stores_are_opened_as_buckets() {
        let options = || options("http://127.0.0.1:9");
        assert!(open_bucket(&"s3://bucket".parse().unwrap(), options()).is_ok());
        for url in ["file:///srv", "memory:///", "https://example.org/"] {
            let refused = open_bucket(&url.parse().unwrap(), options());
            assert!(matches!(refused, Err(BlobError::InvalidUrl { .. })), "{url}");
        }
    }

    #[tokio::test]
    async fn slow_read_succeeds_while_bytes_arrive() {
        let staging = tempfile::tempdir().unwrap();
        let store = store(staging.path(), |mut stream| {
            begin(&mut stream, 33);
            for _ in 0..33 {
                std::thread::sleep(Duration::from_secs(1));
                stream.write_all(b"a").unwrap();
            }
        });
        let found = store.get(BlobId::from_sha256([7; 32]), 100).await.unwrap();
        assert_eq!(found.len(), 33);
    }

    #[tokio::test]
    async fn unresponsive_store_times_out() {
        let staging = tempfile::tempdir().unwrap();
        let store = store(staging.path(), |mut stream| {
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let began = Instant::now();
        let id = BlobId::from_sha256([7; 32]);
        let (size, whole, check) = tokio::join!(store.size(id), store.get(id, 9), store.check());
        assert!(matches!(size, Err(BlobError::Store(_))), "{size:?}");
        assert!(matches!(whole, Err(BlobError::Store(_))), "{whole:?}");
        assert!(matches!(check, Err(BlobError::Store(_))), "{check:?}");
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn stalled_read_times_out() {
        let staging = tempfile::tempdir().unwrap();
        let store = store(staging.path(), |mut stream| {
            begin(&mut stream, 2);
            stream.write_all(b"a").unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let begun = Instant::now();
        let cut = store.get(BlobId::from_sha256([7; 32]), 9).await;
        assert!(matches!(cut, Err(BlobError::Store(_))), "{cut:?}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn unreachable_store_fails_in_seconds() {
        let staging = tempfile::tempdir().unwrap();
        let url = "s3://bucket/some/prefix".parse().unwrap();
        assert_eq!(open(&url, options("http://127.0.0.1:9")).unwrap().prefix.as_ref(), "some/prefix");
        let store = BlobStore::open(&url, options("http://127.0.0.1:9"), staging.path()).unwrap();
        let began = Instant::now();
        assert!(store.size(BlobId::from_sha256([7; 32])).await.is_err());
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    }
}
