//! The only SQL of audio_identify.
//!
//! Landmarks have no tenant, but the number of their owner: every statement reaches them from tenant and environment.

mod batch;
mod index;
mod lookup;

pub(crate) use batch::{AssetToIndex, assets_to_index};
pub(crate) use index::{IndexedSource, insert_failure, insert_owner, replace_source};
pub(crate) use lookup::{SourceRow, figures, find_postings, find_sources, find_twins, prepare};
