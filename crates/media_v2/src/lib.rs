//! Assets, artifacts and their lineage: the store under every other engine.
//!
//! An *asset* is a recording (or any file) that a tenant brought; an *artifact* is something made of it: a
//! measurement, a cut, a render. Artifacts name the artifacts they were made of, which gives a graph that can be
//! followed both ways. Rows are in Postgres, bytes in the [blob store](blob_store). Nothing is ever changed but what
//! probing tells of an asset: a later prober replaces what an earlier one found.
//!
//! - [`MediaService`]: registers, finds, opens bytes; what other engines hold;
//! - [`store`]: the queries behind it, for use inside another engine's transaction;
//! - [`router`]: the HTTP face;
//! - [`SourcePolicy`]: which files outside the store may be registered.
//!
//! # Uploads
//!
//! The bytes stream to a staging file, hashed on the way, one piece in memory at a time; only when the whole form
//! is there and the file is measured does it move to its place, and then the row is written. What breaks off
//! before leaves nothing; what breaks off between leaves a blob without a row, which the next upload of the same
//! bytes takes over, or [`collect()`] removes.
//!
//! # Owners
//!
//! Blobs are shared: the same bytes are kept once. A `blob://` URI in a request counts only if the caller has an
//! asset or artifact with it, so that knowing a hash does not give the bytes.

mod canonical;
mod collect;
mod decoding;
mod documents;
mod error;
mod facts;
mod marks;
mod media_type;
mod model;
mod range;
mod reprobe;
mod routes;
mod rules;
mod service;
mod source;
pub mod store;
mod verify;
mod verify_bytes;
mod waveforms;

pub use canonical::{canonical_json, pipeline_hash};
pub use collect::{Collected, Collection, collect};
pub use documents::{DocumentValidator, RegisteredMeasurement};
pub use error::{MediaError, decode_problem};
pub use marks::{FileMarks, RegisteredFile};
pub use model::{
    Artifact, ArtifactKind, AssetDecoder, AssetKind, Content, MediaAsset, Meta, NewArtifact, NewAsset,
    UnknownKind,
};
pub use range::is_known;
pub use routes::{broken_form, router};
pub use rules::file_name;
pub use service::{Description, MediaConfig, MediaService};
pub use source::{InvalidRoot, MediaReader, SourcePolicy};
pub use verify::{WronglyDecoded, wrongly_decoded};
pub(crate) use verify_bytes::RowKind;
pub use verify_bytes::{BlobFault, BlobRow, FaultyBlob, verify_bytes};
