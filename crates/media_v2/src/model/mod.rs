//! The types of assets and artifacts, as in requests and responses.

mod artifact;
mod asset;
mod content;
mod kind;
mod stream;
mod timecode;
mod upload;

pub use artifact::{Artifact, NewArtifact};
pub use asset::{MediaAsset, NewAsset};
pub use content::{Content, Meta};
pub use kind::{ArtifactKind, AssetDecoder, AssetKind, UnknownKind};
pub use stream::AudioStream;
pub use timecode::StartTimecode;
pub(crate) use upload::{Upload, UploadState, UploadStatus};
