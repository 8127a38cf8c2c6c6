//! Allowed files.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use percent_encoding::percent_decode_str;
use url::Url;

/// A file elsewhere that the configuration allows the caller to read.
#[derive(Clone, Debug)]
pub struct Location(pub(crate) Place);

#[derive(Clone, Debug)]
pub(crate) enum Place {
    Web(Url),
    Object {
        /// The store of the bucket.
        store: Arc<dyn ObjectStore>,
        key: Path,
        /// The URI as given.
        uri: Url,
    },
}

impl Location {
    const fn url(&self) -> &Url {
        match &self.0 {
            Place::Web(url) | Place::Object { uri: url, .. } => url,
        }
    }

    /// The URI without its query and fragment: signed URLs have their signature in the query.
    #[must_use]
    pub fn public_uri(&self) -> String {
        let mut url = self.url().clone();
        url.set_query(None);
        url.set_fragment(None);
        url.into()
    }

    /// The last part of the path, decoded; `None` where the path ends with a slash. It is not checked.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        let last = self.url().path().rsplit('/').next()?;
        let name = percent_decode_str(last).decode_utf8_lossy().into_owned();
        (!name.is_empty()).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_uris_have_no_signature() {
        let location = |url: &str| Location(Place::Web(url.parse().unwrap()));
        let signed = location("https://media.example.org:8443/a/take%201.wav?X-Signature=secret#t=3");
        assert_eq!(signed.public_uri(), "https://media.example.org:8443/a/take%201.wav");
        assert_eq!(signed.file_name().as_deref(), Some("take 1.wav"));
        assert_eq!(location("https://media.example.org/").file_name(), None);
    }
}
