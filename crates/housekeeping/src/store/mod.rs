//! The only SQL of this crate. Its tables are those of all crates: a removal deletes rows that other crates write.

mod deletion;
mod figures;
mod owners;
mod removals;
mod usages;

pub(crate) use deletion::delete_rows;
pub(crate) use figures::{count_by_kind, stored_bytes, work_in_progress};
pub(crate) use owners::{OwnedTable, forget_leases, forget_rows, has_rows, owned_tables, references};
pub(crate) use removals::{
    allow_time, begin, expired_assets, extend, extend_by_files, lock, lock_artifact, lock_asset, mark_removed,
};
pub(crate) use usages::usages;
