//! Indexes the words of timelines that were stored before the index existed, in bounded batches.

use media_v2::{MediaError, MediaService};
use primitives::{Id, Scope};
use scheduling::WorkError;

use super::store::{self, Candidate};
use super::{TimelineRow, replace_windows, windows_of};
use crate::{Error, stored};

/// Number of recordings that a batch reads in one statement.
const BATCH: i64 = 100;

/// A recording up to which a rebuild has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedRecording {
    /// The owner.
    pub scope: Scope,
    /// The recording.
    pub asset_id: Id,
}

/// The result of a batch.
#[derive(Debug, Default)]
pub struct RebuildBatch {
    /// The last recording of the batch; `None` after the last batch.
    pub last: Option<IndexedRecording>,
    /// Number of timelines that were indexed.
    pub indexed: u64,
    /// Number of timelines without words, or for which a newer one is indexed.
    pub without_words: u64,
    /// Timelines that cannot be read, or whose words the database rejects, with the reason.
    pub skipped: Vec<(Scope, Id, Error)>,
}

/// Indexes the timelines of the next 100 recordings after `after`, each in its own transaction: all, or those that are not
/// in the index. Safe while the service runs.
///
/// # Errors
/// Errors that concern more than one timeline: of the store, and of the connection to the database.
pub async fn rebuild(
    media: &MediaService,
    after: Option<&IndexedRecording>,
    all: bool,
) -> Result<RebuildBatch, Error> {
    let from = after.map_or([""; 3], |after| {
        [after.scope.tenant_id.as_str(), after.scope.env.as_str(), after.asset_id.as_str()]
    });
    let candidates = {
        let mut conn = media.pool().acquire().await?;
        store::candidates(&mut conn, from, all, BATCH).await?
    };
    let mut batch = RebuildBatch::default();
    for Candidate { tenant_id, env, asset_id, timeline_id } in candidates {
        let scope = Scope { tenant_id, env };
        if let Some(timeline_id) = timeline_id {
            match index(media, &scope, &timeline_id).await {
                Ok(true) => batch.indexed += 1,
                Ok(false) => batch.without_words += 1,
                Err(error) if concerns_all(&error) => return Err(error),
                Err(error) => batch.skipped.push((scope.clone(), timeline_id, error)),
            }
        }
        batch.last = Some(IndexedRecording { scope, asset_id });
    }
    Ok(batch)
}

/// Whether an error concerns more than one timeline. An error that the database answers is of the words of this one.
const fn concerns_all(error: &Error) -> bool {
    match error {
        Error::Database(error) => !matches!(error, sqlx::Error::Database(_)),
        Error::Media(error) => matches!(error, MediaError::Database(_) | MediaError::Blob(_)),
        _ => false,
    }
}

/// Indexes a timeline; false if it has no words to index.
async fn index(media: &MediaService, scope: &Scope, timeline_id: &Id) -> Result<bool, Error> {
    let artifact = media.artifact(scope, timeline_id).await?;
    let (summary, _) = stored::read(media, &artifact).await?;
    let made =
        tokio::task::spawn_blocking(move || (windows_of(&summary), summary.meta.run.audio_stream)).await;
    let (windows, audio_stream) = made.map_err(|source| WorkError::Broken { queue: "summary", source })?;
    if windows.is_empty() {
        return Ok(false);
    }
    let timeline = TimelineRow { asset_id: &artifact.parent_asset_id, timeline_id, audio_stream };
    let mut transaction = media.pool().begin().await?;
    store::lock(&mut transaction, scope, timeline.asset_id).await?;
    if store::has_newer(&mut transaction, scope, timeline).await? {
        return Ok(false);
    }
    replace_windows(&mut transaction, scope, timeline, &windows).await?;
    transaction.commit().await?;
    Ok(true)
}
