//! What media_v2 keeps, as it stands on the wire.

use http_kit::Id;

use crate::marks::RegisteredFile;

mod artifact;
mod asset;
mod kind;

pub use artifact::{Artifact, NewArtifact};
pub use asset::{MediaAsset, NewAsset};
pub use kind::{ArtifactKind, AssetDecoder, AssetKind, UnknownKind};

/// Free-form facts about a row: a JSON object. Numbers and key order are those of Postgres `jsonb`.
pub type Meta = serde_json::Map<String, serde_json::Value>;

/// Where the bytes of an asset or artifact are, and whose they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// The owner of the row.
    pub tenant_id: &'a Id,
    /// The owner's environment.
    pub env: &'a Id,
    /// `blob://sha256/<hex>`, or a URI that the [`SourcePolicy`](crate::SourcePolicy) judges.
    pub uri: &'a str,
    /// SHA-256 of the bytes in lower-case hex, when known.
    pub sha256: Option<&'a str>,
    /// Their number, when known.
    pub size_bytes: Option<u64>,
    /// `type/subtype`, for a client that asks for them.
    pub media_type: &'a str,
    /// The name of the file, when there was one.
    pub file_name: Option<&'a str>,
    /// How its audio is decoded; none for what version 1 of the prober decoded rightly, and for what was not probed.
    pub decoder: Option<AssetDecoder>,
    /// The file outside the store as it was registered; none for blobs, artifacts, and assets of before marks were kept.
    pub file: Option<RegisteredFile<'a>>,
}
