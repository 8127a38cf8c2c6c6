//! Buckets that files may be fetched from.

use std::fmt;
use std::str::FromStr;

use object_store::path::Path;
use primitives::Scope;
use url::Url;

const TENANT: &str = "{tenant}";
const ENV: &str = "{env}";

/// A bucket or container, and the prefix of the keys in it that are allowed: `s3://bucket`, `gs://bucket/incoming`,
/// `az://container/{tenant}/{env}`. A prefix with `{tenant}` gives each owner its own part of the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPattern {
    scheme: &'static str,
    bucket: String,
    /// Without slashes at its ends.
    prefix: String,
}

/// The text is not a bucket with an optional prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a bucket; expected for example s3://bucket/prefix, gs://bucket or az://container/{{tenant}}/{{env}}"
)]
pub struct InvalidBucket(String);

/// The scheme of an object store, or of one of its other names.
fn scheme_of(name: &str) -> Option<&'static str> {
    match name {
        "s3" | "s3a" => Some("s3"),
        "gs" => Some("gs"),
        "az" | "adl" | "azure" | "abfs" | "abfss" => Some("az"),
        _ => None,
    }
}

impl BucketPattern {
    /// URL of the bucket, without a prefix.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.bucket)
    }

    pub(crate) fn is_bucket(&self, scheme: &str, bucket: &str) -> bool {
        self.scheme == scheme && self.bucket == bucket
    }

    /// Whether each tenant has a prefix of its own.
    pub(crate) fn is_owned(&self) -> bool {
        self.prefix.contains(TENANT)
    }

    /// Whether `owner` may read `key`, apart from its access level.
    pub(crate) fn contains(&self, key: &Path, owner: &Scope) -> bool {
        let prefix = self.prefix.replace(TENANT, owner.tenant_id.as_str()).replace(ENV, owner.env.as_str());
        // `.` and `..` are valid ids, but not parts of a key.
        Path::parse(prefix).is_ok_and(|prefix| key != &prefix && key.prefix_matches(&prefix))
    }

    /// Whether allowed keys may be in the blob store at `storage`. Blobs must not be readable by their keys, because
    /// they are shared by all owners.
    #[must_use]
    pub fn overlaps(&self, storage: &Url) -> bool {
        let is_same = scheme_of(storage.scheme()) == Some(self.scheme)
            && storage.host_str() == Some(self.bucket.as_str());
        let fixed: Vec<&str> = self.prefix.split('/').take_while(|part| !part.contains('{')).collect();
        let (own, blobs) = (Path::parse(fixed.join("/")), Path::from_url_path(storage.path()));
        let is_apart = match (own, blobs) {
            (Ok(own), Ok(blobs)) => !own.prefix_matches(&blobs) && !blobs.prefix_matches(&own),
            _ => false,
        };
        is_same && !is_apart
    }
}

impl FromStr for BucketPattern {
    type Err = InvalidBucket;

    fn from_str(text: &str) -> Result<Self, InvalidBucket> {
        let parsed = || {
            let (name, rest) = text.split_once("://")?;
            let scheme = scheme_of(name).filter(|scheme| *scheme == name)?;
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let is_name =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
            let prefix = prefix.trim_matches('/');
            let example = prefix.replace(TENANT, "t").replace(ENV, "e");
            let is_valid = !bucket.is_empty() && bucket.chars().all(is_name) && !example.contains(['{', '}']);
            (is_valid && Path::parse(example).is_ok()).then(|| Self {
                scheme,
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            })
        };
        parsed().ok_or_else(|| InvalidBucket(text.to_owned()))
    }
}

impl fmt::Display for BucketPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.url())?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(pattern: &str, key: &str, tenant: &str) -> bool {
        let owner = Scope { tenant_id: tenant.parse().unwrap(), env: "dev".parse().unwrap() };
        pattern.parse::<BucketPattern>().unwrap().contains(&Path::parse(key).unwrap(), &owner)
    }

    #[test]
    fn patterns_contain_the_keys_below_their_prefix() {
        for (pattern, key, tenant, expected) in [
            ("s3://media", "a.wav", "t1", true),
            ("s3://media/in", "in/a.wav", "t1", true),
            ("s3://media/in/", "in/deep/a.wav", "t1", true),
            ("s3://media/in", "in", "t1", false),
            ("s3://media/in", "inner/a.wav", "t1", false),
            ("s3://media/{tenant}/{env}", "t1/dev/a.wav", "t1", true),
            ("s3://media/{tenant}/{env}", "t2/dev/a.wav", "t1", false),
            ("s3://media/{tenant}/{env}", "t1/prod/a.wav", "t1", false),
            ("s3://media/of-{tenant}", "of-t1/a.wav", "t1", true),
            ("s3://media/of-{tenant}", "of-t10/a.wav", "t1", false),
            ("s3://media/{tenant}", "x/a.wav", "..", false),
        ] {
            assert_eq!(contains(pattern, key, tenant), expected, "{pattern} {key} {tenant}");
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for text in [
            "media",
            "file:///srv",
            "s3a://media",
            "s3://",
            "s3:///in",
            "s3://Media",
            "s3://user@media",
            "s3://media:9000",
            "s3://media/../other",
            "s3://media/{user}",
            "s3://{tenant}/in",
        ] {
            assert!(text.parse::<BucketPattern>().is_err(), "{text}");
        }
        for text in ["s3://media", "gs://media/in", "az://media/{tenant}/x"] {
            assert_eq!(text.parse::<BucketPattern>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn patterns_that_reach_into_the_blob_store_overlap_it() {
        let overlaps = |pattern: &str, storage: &str| {
            pattern.parse::<BucketPattern>().unwrap().overlaps(&storage.parse().unwrap())
        };
        assert!(overlaps("s3://media", "s3://media/blobs"));
        assert!(overlaps("s3://media/blobs/sha256", "s3://media/blobs"));
        assert!(overlaps("s3://media/in", "s3://media"));
        assert!(overlaps("s3://media/{tenant}", "s3a://media/blobs"));
        assert!(!overlaps("s3://media/in/{tenant}", "s3://media/blobs"));
        assert!(!overlaps("s3://media", "s3://other/blobs"));
        assert!(!overlaps("s3://media", "gs://media"));
        assert!(!overlaps("s3://media", "file:///srv/media"));
    }
}
