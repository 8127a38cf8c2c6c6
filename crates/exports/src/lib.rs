//! Timelines, shot lists and analyses as files of other programs: read here, written by [`interchange`].
//!
//! - [`Exports`] is the service, [`router`] its HTTP interface;
//! - `edit` and `shots` turn sequences and shot lists into edited timelines; analyses become annotations in
//!   [`audio_semantic_timeline::annotations()`];
//! - `references` names the media that an export refers to, by link, path or name.

pub mod codes;
mod edit;
mod error;
mod model;
mod references;
mod routes;
mod service;
mod shots;

pub use error::Error;
pub use model::{
    AnalysisExport, AnalysisExportFormat, EditFormat, ExportFile, ExportReport, MediaReference, NotesFormat,
};
pub use routes::router;
pub use service::{Exports, Subject};
