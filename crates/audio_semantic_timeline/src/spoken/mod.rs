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

use primitives::{Id, Scope};
use sqlx::PgConnection;

use crate::backend::BackendKind;
use crate::model::Summary;
use crate::transcript::Transcript;

/// The windows of a timeline that the index keeps. Empty for timelines that it does not: those of an artifact, because
/// its words are also in the timeline of the recording; those of the stub, which are invented; and those without words.
#[must_use]
pub fn windows_of(summary: &Summary) -> Vec<SpokenWindow> {
    if !is_indexed(summary) {
        return Vec::new();
    }
    windows(&Transcript::of(summary).words, summary.meta.run.language.as_deref())
}

/// Whether the index keeps the words of a timeline.
fn is_indexed(summary: &Summary) -> bool {
    summary.artifact_id.is_none() && summary.meta.run.analysis_backend_type() != BackendKind::Stub.as_str()
}

/// Indexes the words of a timeline that is now in force, in place of those of another correction of the same analysis, or
/// of the analysis. Unlike after an analysis, no words replace the earlier ones too, because a person removed them. The
/// words of a newer analysis stay. `removed` is a correction that is not in force any more.
///
/// # Errors
/// Database errors.
pub(crate) async fn replace_corrected(
    conn: &mut PgConnection,
    scope: &Scope,
    timeline: TimelineRow<'_>,
    words: &CorrectedWords,
    removed: Option<&Id>,
) -> sqlx::Result<()> {
    if !words.is_indexed {
        return Ok(());
    }
    store::lock(conn, scope, timeline.asset_id).await?;
    if let Some(removed) = removed {
        store::delete_windows(conn, scope, removed).await?;
    }
    if store::has_newer(conn, scope, timeline).await? {
        return Ok(());
    }
    store::clear_windows(conn, scope, timeline).await?;
    replace_windows(conn, scope, timeline, &words.windows).await
}

/// The words of a timeline, for [`replace_corrected`].
#[derive(Debug)]
pub(crate) struct CorrectedWords {
    is_indexed: bool,
    windows: Vec<SpokenWindow>,
}

impl CorrectedWords {
    pub(crate) fn of(summary: &Summary) -> Self {
        Self { is_indexed: is_indexed(summary), windows: windows_of(summary) }
    }
}
