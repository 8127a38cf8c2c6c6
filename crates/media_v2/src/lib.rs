//! Assets, artifacts and their lineage: the store under every other engine.
//!
//! An *asset* is a recording (or any file) that a tenant registered; an *artifact* is derived from it: a measurement, a
//! cut, a render. Artifacts name their upstream artifacts, which gives a graph that can be followed in both directions.
//! Rows are in Postgres, bytes in the [blob store](blob_store). Rows are immutable, except for the description of an
//! asset (tags, reference, metadata) and its probed properties: a later prober replaces those of an earlier one.
//!
//! - [`MediaService`]: registers and finds rows, and opens bytes; other engines use it;
//! - [`store`]: the queries, for use inside another engine's transaction;
//! - [`router`]: the HTTP interface;
//! - [`SourcePolicy`]: which files outside the store may be registered where they are; files of web servers and buckets
//!   are fetched into the store ([`remote_source`]).
//!
//! # Uploads
//!
//! The bytes stream to a staging file and are hashed meanwhile, with one piece in memory at a time. After the whole
//! form has been received and the file has been probed, the file is moved to its final path, and then the row is
//! written. An upload that fails before the move leaves nothing. A failure between move and row leaves a blob without a
//! row, which the next upload of the same bytes reuses, or [`collect()`] removes.
//!
//! Uploads of the protocol tus arrive in several requests. Their bytes are in the store before they are complete, and a
//! row says how many; any process continues them. The complete upload is probed and registered in the same way.
//!
//! # Owners
//!
//! Blobs are shared: the same bytes are stored once. A `blob://` URI in a request is accepted only if the caller has an
//! asset or artifact with it, so that knowing a hash does not give access to the bytes.

mod canonical;
pub mod codes;
mod collect;
mod decoding;
mod description;
mod digest;
mod documents;
mod error;
mod fetching;
mod fingerprint;
mod media_type;
mod model;
mod opening;
mod probe_result;
mod range;
mod registration;
mod reprobe;
mod routes;
mod rules;
mod service;
mod sizes;
mod source;
pub mod store;
mod unchanged;
mod uploads;
mod verify;
mod verify_bytes;
mod waveform_key;
mod waveform_windows;
mod waveforms;

pub use canonical::pipeline_hash;
pub use collect::{Collected, Collection, RemovedBlobs, collect, remove_blobs};
pub use description::{Description, DescriptionChanges};
pub use documents::{DocumentValidator, MAX_STORED_JSON_BYTES, RegisteredMeasurement, RegistrationFollowUp};
pub use error::{MediaError, decode_problem};
pub use fingerprint::{FileFingerprint, RegisteredFile};
pub use model::{
    Artifact, ArtifactKind, AssetDecoder, AssetKind, AudioStream, Content, MediaAsset, Meta, NewArtifact,
    NewAsset, StartTimecode, UnknownKind,
};
pub use range::is_known;
pub use routes::{broken_form, router, tus_headers};
pub use rules::file_name;
pub use service::{MediaConfig, MediaService};
pub use sizes::{SizeBatch, record_sizes};
pub use source::{InvalidRoot, MediaReader, SourcePolicy};
pub use store::{BlobRow, WronglyDecoded};
pub use verify::wrongly_decoded;
pub use verify_bytes::{BlobFault, FaultyBlob, verify_bytes};
