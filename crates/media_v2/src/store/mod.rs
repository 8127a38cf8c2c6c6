//! The only SQL of media_v2.
//!
//! Functions take a connection, so that another engine can call them inside its own transaction, and the
//! [`Scope`](primitives::Scope) that owns the rows. Lookups return `None` both for missing rows and for rows of another
//! owner, so that callers cannot distinguish the two. Rows are read and written in sets: the number of statements does
//! not depend on the number of rows.

mod artifact_lists;
mod artifacts;
mod assets;
mod blobs;
mod changes;
mod lineage;
mod owned_blobs;
mod probes;
mod sizes;
mod upload_leases;
mod uploads;
mod waveforms;
mod wrong;

pub use artifact_lists::{list_artifacts, list_artifacts_of_kinds};
pub use artifacts::{
    find_artifact, find_artifacts, find_semantic_timeline, insert_artifact, insert_artifacts,
    latest_artifacts, missing_artifacts,
};
pub(crate) use assets::renew_fingerprint;
pub use assets::{AssetFilter, find_asset, find_assets, insert_asset, list_assets, missing_assets, owns_uri};
pub use blobs::BlobRow;
pub(crate) use blobs::{
    RowKind, has_had_assets, old_waveforms, rows_of_blob, rows_with_blobs, unreferenced_blobs,
};
pub(crate) use changes::change_asset;
pub use lineage::{Lineage, LineageEdge, LineageNode, find_lineage};
pub use owned_blobs::{owned_blobs, unreferenced};
pub(crate) use probes::{assets_to_reprobe, renew_asset, set_decoder};
pub(crate) use sizes::{artifacts_without_size, set_sizes};
pub(crate) use upload_leases::{
    SweptUpload, contend_upload, delete_old_uploads, release_upload, renew_upload, uploads_of_owner,
    uploads_to_sweep,
};
pub(crate) use uploads::{
    claim_upload, count_uploads, delete_upload, discard_upload, find_upload, finish_upload, insert_upload,
    insert_upload_parts, save_upload, upload_parts,
};
pub(crate) use waveforms::{find_waveform, insert_waveform};
pub(crate) use wrong::wrongly_decoded;
pub use wrong::{WronglyDecoded, is_wrongly_decoded};

/// A row with a value that the schema should not allow.
#[derive(Debug, thiserror::Error)]
#[error("{table} {id}: column {column} contains {value}")]
struct BadRow {
    table: &'static str,
    id: String,
    column: &'static str,
    value: String,
}

impl From<BadRow> for crate::MediaError {
    fn from(row: BadRow) -> Self {
        Self::Database(sqlx::Error::Decode(row.into()))
    }
}

/// Whether `error` is a violation of the named constraint.
fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().and_then(|error| error.constraint()) == Some(constraint)
}
