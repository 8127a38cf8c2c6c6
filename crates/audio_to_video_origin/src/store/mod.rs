//! The only SQL of audio_to_video_origin.
//!
//! Every function takes a connection, so that another engine can call it inside its own transaction, and the
//! [`Scope`](primitives::Scope) that owns the rows. Rows are read and written in batches: the number of statements does
//! not depend on the number of rows.

mod chains;
mod origin_maps;
mod shot_lists;
mod sources;

pub use chains::{resolve_each_origin, resolve_origins};
pub use origin_maps::{
    find_origin_map, find_origin_maps, insert_origin_maps, list_by_asset, mapped_artifacts,
    put_found_origin_map, put_origin_map,
};
pub use shot_lists::find_shot_lists_using;
pub(crate) use shot_lists::{Uses, claim_shot_list, find_shot_list, insert_uses};
pub(crate) use sources::{AudioArtifactRow, TimelineRow, find_lengths, find_sounds, find_timeline_rows};
