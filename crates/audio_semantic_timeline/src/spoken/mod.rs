//! The index of spoken words over all recordings: windows of words with their lexemes, in the table `spoken_windows`.
//! The rows of a timeline are written in the transaction that registers it, and replace those of the previous timeline of
//! the same audio stream; `library` searches them.

mod rebuild;
mod store;
mod tokens;
mod windows;

pub use rebuild::{IndexedRecording, RebuildBatch, rebuild};
pub use store::{TimelineRow, replace_windows};
pub use tokens::tokens;
pub use windows::{SpokenWindow, windows};

use crate::backend::BackendKind;
use crate::model::Summary;
use crate::transcript::Transcript;

/// The windows of a timeline that the index keeps. Empty for timelines that it does not: those of an artifact, because
/// its words are also in the timeline of the recording; those of the stub, which are invented; and those without words.
#[must_use]
pub fn windows_of(summary: &Summary) -> Vec<SpokenWindow> {
    let run = &summary.meta.run;
    if summary.artifact_id.is_some() || run.backend_type == BackendKind::Stub.as_str() {
        return Vec::new();
    }
    windows(&Transcript::of(summary).words, run.language.as_deref())
}
