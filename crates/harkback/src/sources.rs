//! Files elsewhere that may be registered: from the settings, and credentials from the environment.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, ensure};
use remote_source::{BucketPattern, RemoteConfig, RemoteSources, TransferLimits};

use crate::config::Config;

/// Prefixes of the settings of object stores, under the names that their vendors use (`AWS_ACCESS_KEY_ID`,
/// `GOOGLE_SERVICE_ACCOUNT`, …).
const VENDORS: [&str; 3] = ["aws_", "google_", "azure_"];
/// Prefix of those that apply to sources alone.
const OF_SOURCES: &str = "harkback_source_";

/// Opens the sources that the settings allow.
pub(crate) fn open(config: &Config) -> anyhow::Result<RemoteSources> {
    let buckets: Vec<BucketPattern> = parsed(&config.source_buckets, "--source-bucket")?;
    for bucket in &buckets {
        let is_in_store = config.storage_url.as_ref().is_some_and(|storage| bucket.overlaps(storage));
        ensure!(
            !is_in_store,
            "--source-bucket: {bucket} overlaps the blob store; use another bucket or prefix"
        );
    }
    let stall = Duration::from_secs(config.io_timeout_s);
    let duration = Duration::from_secs(config.source_timeout_s);
    let sources = RemoteSources::new(RemoteConfig {
        hosts: parsed(&config.source_hosts, "--source-host")?,
        ports: config.source_ports.clone(),
        networks: parsed(&config.source_networks, "--source-network")?,
        buckets,
        // The later ones override.
        store_options: store_options("").chain(store_options(OF_SOURCES)).collect(),
        limits: TransferLimits { duration, stall, ..TransferLimits::default() },
        ..RemoteConfig::default()
    });
    sources.context("the sources cannot be opened")
}

/// Settings of object stores from the environment, of variables whose names begin with `prefix`; in lower case, without
/// the prefix.
pub(crate) fn store_options(prefix: &'static str) -> impl Iterator<Item = (String, String)> {
    std::env::vars()
        .filter_map(move |(name, value)| {
            Some((name.to_ascii_lowercase().strip_prefix(prefix)?.to_owned(), value))
        })
        .filter(|(name, _)| VENDORS.iter().any(|vendor| name.starts_with(vendor)))
}

fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    texts: &[String],
    flag: &'static str,
) -> anyhow::Result<Vec<T>> {
    texts.iter().map(|text| text.trim().parse::<T>().context(flag)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::default();
        change(&mut config);
        open(&config).map_or_else(|error| format!("{error:#}"), |_| String::new())
    }

    #[test]
    fn malformed_settings_are_refused_with_their_flag() {
        assert_eq!(refusal(|_| ()), "");
        let hosts = refusal(|config| config.source_hosts = vec!["https://example.org".to_owned()]);
        assert!(hosts.starts_with("--source-host: `https://example.org`"), "{hosts}");
        let networks = refusal(|config| config.source_networks = vec!["10.0.0.0/40".to_owned()]);
        assert!(networks.starts_with("--source-network: `10.0.0.0/40`"), "{networks}");
        let buckets = refusal(|config| config.source_buckets = vec!["media".to_owned()]);
        assert!(buckets.starts_with("--source-bucket: `media`"), "{buckets}");
    }

    #[test]
    fn bucket_of_the_blob_store_is_refused() {
        let refused = refusal(|config| {
            config.storage_url = Some("s3://media/blobs".parse().unwrap());
            config.source_buckets = vec!["s3://media".to_owned()];
        });
        assert!(refused.contains("overlaps the blob store"), "{refused}");
    }
}
