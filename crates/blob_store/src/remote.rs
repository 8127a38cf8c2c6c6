//! Object stores, with limits on how long a call may take.

use std::str::FromStr;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{BackoffConfig, Error, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

/// A request is tried again this often, and for so long; a caller waits for all of it.
const RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);

/// The store that `url` names, and the prefix in it. `options` that are not the store's are left out.
pub(crate) fn open(
    url: &Url,
    options: impl IntoIterator<Item = (String, String)>,
) -> Result<(Box<dyn ObjectStore>, Path), Error> {
    let (scheme, path) = ObjectStoreScheme::parse(url)?;
    let path = Path::parse(path)?;
    let store: Box<dyn ObjectStore> = match scheme {
        ObjectStoreScheme::AmazonS3 => {
            let builder = AmazonS3Builder::new().with_url(url.as_str());
            let builder = configured(builder, options, AmazonS3Builder::with_config);
            Box::new(builder.with_retry(retry()).build()?)
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            let builder = GoogleCloudStorageBuilder::new().with_url(url.as_str());
            let builder = configured(builder, options, GoogleCloudStorageBuilder::with_config);
            Box::new(builder.with_retry(retry()).build()?)
        }
        ObjectStoreScheme::MicrosoftAzure => {
            let builder = MicrosoftAzureBuilder::new().with_url(url.as_str());
            let builder = configured(builder, options, MicrosoftAzureBuilder::with_config);
            Box::new(builder.with_retry(retry()).build()?)
        }
        _ => return object_store::parse_url_opts(url, options),
    };
    Ok((store, path))
}

fn configured<B, K: FromStr>(
    builder: B,
    options: impl IntoIterator<Item = (String, String)>,
    set: impl Fn(B, K, String) -> B,
) -> B {
    let known = options.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value)));
    known.fold(builder, |builder, (key, value)| set(builder, key, value))
}

fn retry() -> RetryConfig {
    RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use object_store::ObjectStoreExt as _;

    use super::*;

    #[tokio::test]
    async fn a_store_that_is_away_fails_in_seconds() {
        let options = [
            ("aws_endpoint", "http://127.0.0.1:9"),
            ("aws_allow_http", "true"),
            ("aws_access_key_id", "a"),
            ("aws_secret_access_key", "b"),
            ("aws_region", "c"),
            ("google_unknown", "d"),
        ];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (store, prefix) = open(&"s3://bucket/some/prefix".parse().unwrap(), options).unwrap();
        assert_eq!(prefix.as_ref(), "some/prefix");
        let began = Instant::now();
        assert!(store.head(&"a".into()).await.is_err());
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    }
}
