use primitives::Id;

use super::kind::AssetDecoder;
use crate::fingerprint::RegisteredFile;

/// Free-form metadata of a row: a JSON object. Numbers and key order are those of Postgres `jsonb`.
pub type Meta = serde_json::Map<String, serde_json::Value>;

/// The location, owner and properties of the bytes of an asset or artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// The tenant that owns the row.
    pub tenant_id: &'a Id,
    /// The owner's environment, e.g. `prod`.
    pub env: &'a Id,
    /// `blob://sha256/<hex>`, or a URI that the [`SourcePolicy`](crate::SourcePolicy) checks.
    pub uri: &'a str,
    /// SHA-256 of the bytes in lower-case hex, when known.
    pub sha256: Option<&'a str>,
    /// Number of bytes, when known.
    pub size_bytes: Option<u64>,
    /// Media type (`type/subtype`) for clients.
    pub media_type: &'a str,
    /// Original name of the file, if known.
    pub file_name: Option<&'a str>,
    /// The decoder of the audio; `None` if version 1 of the prober decoded it correctly, or if it was not probed.
    pub decoder: Option<AssetDecoder>,
    /// The registered file outside the store; `None` for blobs, artifacts, and assets without a stored fingerprint.
    pub file: Option<RegisteredFile<'a>>,
}
