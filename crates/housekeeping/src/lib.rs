//! Care of stored media: assets and artifacts are removed with all that derives from them, old assets by their tags, and
//! owners completely; figures count what an owner has.
//!
//! - [`Housekeeping`] is the service, [`router`] its HTTP interface;
//! - [`RetentionRule`]: for how many days assets with a tag are kept; [`Housekeeping::remove_expired`] applies rules;
//! - [`forget`] removes all rows and bytes of an owner.
//!
//! # What derives from an asset
//!
//! Its artifacts and those made of them, shot lists that show it, films that contain it and their files, with the rows
//! that belong to any of these: origin maps, snippets, runs of detectors, speakers, indexes, cached waveforms. A removal
//! collects their ids in a table of its transaction, locks them, and deletes them with one statement for each table, so
//! that all of it is there or nothing.
//!
//! # What keeps an asset
//!
//! Measurements that this service made of it (timelines, transcripts, samples) do not: they are made again on request.
//! What a user made with it does: see [`UsageKind`]. The same holds for an artifact and what derives from it.

pub mod codes;
mod error;
mod figures;
mod forget;
mod model;
mod removal;
mod retention;
mod routes;
mod service;
mod store;

pub use error::Error;
pub use forget::{ForgetOptions, Forgotten, Owner, forget};
pub use model::{AssetUsage, AssetUsages, JobFigures, KindFigures, OwnerFigures, UploadFigures, UsageKind};
pub use removal::{Removal, Removed};
pub use retention::{Expired, InvalidRule, RetentionRule};
pub use routes::router;
pub use service::Housekeeping;
