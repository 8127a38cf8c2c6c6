//! The only SQL of media_v2.
//!
//! Every function takes a connection, so that another engine can call it inside its own transaction, and
//! the [`Scope`](http_kit::Scope) that owns the rows. Lookups answer `None` for what is not there and for
//! what is another owner's: nobody can tell the two apart. Rows come and go as whole sets: the number of
//! statements does not depend on the number of rows.

mod artifacts;
mod assets;
mod blobs;
mod lineage;
mod probes;
mod waveforms;
mod wrong;

pub use artifacts::{
    find_artifact, find_artifacts, find_semantic_timeline, insert_artifact, insert_artifacts,
    latest_artifacts, list_artifacts, missing_artifacts,
};
pub(crate) use assets::renew_marks;
pub use assets::{AssetFilter, find_asset, find_assets, insert_asset, list_assets, missing_assets, owns_uri};
pub(crate) use blobs::{has_assets, old_waveforms, rows_of_blob, rows_with_blobs, unreferenced_blobs};
pub use lineage::{Lineage, LineageEdge, LineageNode, find_lineage};
pub(crate) use probes::{assets_to_reprobe, renew_asset, set_decoder};
pub(crate) use waveforms::{find_waveform, insert_waveform};
pub(crate) use wrong::wrongly_decoded;
pub use wrong::{is_wrongly_decoded, wrongly_analysed};

/// A row that the schema should not have let in.
#[derive(Debug, thiserror::Error)]
#[error("{table} {id}: column {column} holds {value}")]
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

/// Is this the failure of the named constraint?
fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().and_then(|error| error.constraint()) == Some(constraint)
}
