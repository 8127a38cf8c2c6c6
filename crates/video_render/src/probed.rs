//! In-memory cache of probed sources: for a short window, probing takes longer than rendering.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use media_v2::{AssetDecoder, MediaAsset};

use crate::source::ProbedSource;

/// Most sources that are kept; each is less than a kilobyte.
const CAPACITY: usize = 256;

/// The bytes of a source, and how they are decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceKey {
    uri: String,
    sha256: String,
    decoder: Option<AssetDecoder>,
}

/// What is known of a source.
#[derive(Clone, Debug)]
pub(crate) struct KnownSource {
    pub(crate) source: ProbedSource,
    /// Whether the file is shorter than its container declares.
    pub(crate) is_truncated: bool,
}

/// The most recently used sources, the last one first.
#[derive(Debug, Default)]
pub(crate) struct ProbedSources(Mutex<VecDeque<(SourceKey, KnownSource)>>);

impl SourceKey {
    /// The key of an asset; `None` if the hash of its bytes is unknown.
    pub(crate) fn of(asset: &MediaAsset) -> Option<Self> {
        let uri = asset.source_uri.clone();
        Some(Self { uri, sha256: asset.content_sha256.clone()?, decoder: asset.decoder })
    }
}

impl ProbedSources {
    pub(crate) fn get(&self, key: &SourceKey) -> Option<KnownSource> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = kept.iter().position(|(known, _)| known == key)?;
        let found = kept.remove(index)?;
        let source = found.1.clone();
        kept.push_front(found);
        Some(source)
    }

    pub(crate) fn insert(&self, key: SourceKey, source: KnownSource) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| *known != key);
        kept.push_front((key, source));
        kept.truncate(CAPACITY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::tests::source;

    #[test]
    fn least_recently_used_source_is_forgotten() {
        let sources = ProbedSources::default();
        let key = |n: usize| SourceKey { uri: n.to_string(), sha256: n.to_string(), decoder: None };
        let insert = |n| sources.insert(key(n), KnownSource { source: source(), is_truncated: n == 0 });
        (0..CAPACITY).for_each(insert);
        assert!(sources.get(&key(0)).unwrap().is_truncated);
        insert(CAPACITY);
        assert!(sources.get(&key(0)).is_some() && sources.get(&key(1)).is_none());
        let other = SourceKey { decoder: Some(AssetDecoder::Ffmpeg), ..key(0) };
        assert!(sources.get(&other).is_none(), "another decoder may align the file otherwise");
    }
}
