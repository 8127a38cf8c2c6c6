//! The only SQL of audio_to_video_origin.
//!
//! Every function takes a connection, so that another engine can call it inside its own transaction, and the
//! [`Scope`](http_kit::Scope) that owns the rows. Rows come and go as whole sets: the number of statements does not
//! depend on the number of rows.

mod chains;
mod origin_maps;

pub use chains::resolve_origins;
pub use origin_maps::{find_origin_map, find_origin_maps, insert_origin_maps, list_by_asset, put_origin_map};
