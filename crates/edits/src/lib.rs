//! Edits: recordings cut without silences, to music, or to excerpts. Each edit is a shot list of
//! [`audio_to_video_origin`], stored, found again and exported like the others. Stored lists become timelines.
//!
//! - [`Edits`] is the service, [`router`] its HTTP interface;
//! - `remove_silence`, `cut_to_music` (with `dealing`) and `supercut` (with `phrase`) plan the windows, `shots` places
//!   them, `timeline` distributes shots over tracks: pure functions;
//! - `library` finds the places of a phrase in all recordings;
//! - `semantics` has the parts of semantic timelines that the plans use, `lookup` reads them.

pub mod codes;
mod cut_to_music;
mod dealing;
mod error;
mod fillers;
mod lookup;
mod model;
mod phrase;
mod pieces;
mod remove_silence;
mod routes;
mod semantics;
mod service;
mod shots;
mod supercut;
mod timeline;

pub use error::{Error, MissingBeats};
pub use model::{CutToMusic, EditSource, Every, Excerpt, RemoveSilence, SourceOrder, Supercut};
pub use routes::{BODY_LIMITS, describe_timelines, router};
pub use service::Edits;

/// Maximum number of shots of an edit, and of a shot list that becomes a timeline.
pub const MAX_SHOTS: usize = 10_000;
