//! What higher layers implement for the service.

use std::fmt;

use audio_fingerprint::Landmark;
use chrono::{DateTime, Utc};
use media_time::{AssetTime, MediaTime};
use primitives::{Id, Scope};
use sqlx::PgConnection;

use crate::Error;

/// Looks up the origins of artifacts, implemented by another engine.
#[async_trait::async_trait]
pub trait ArtifactOrigins: fmt::Debug + Send + Sync {
    /// Start of an artifact's audio in the time of an asset; `None` if it is from another asset, or from several places
    /// in this one.
    ///
    /// # Errors
    /// [`Error::Database`].
    async fn start_in(
        &self,
        scope: &Scope,
        artifact_id: &Id,
        asset_id: &Id,
    ) -> Result<Option<AssetTime>, Error>;
}

/// A recording that was analysed, for [`AnalysisCompanion`].
#[derive(Clone, Copy, Debug)]
pub struct AnalysedRecording<'a> {
    /// The asset, whose default audio stream was analysed.
    pub asset_id: &'a Id,
    /// Duration of the analysed audio.
    pub duration: MediaTime,
    /// Landmarks of the mix, in order of frame and hash.
    pub landmarks: &'a [Landmark],
}

/// Writes what another engine derives from an analysis, in the transaction that registers the timeline. Implemented by a
/// higher layer.
#[async_trait::async_trait]
pub trait AnalysisCompanion: fmt::Debug + Send + Sync {
    /// Runs statements before the transaction, such as those that others wait for.
    ///
    /// # Errors
    /// Database errors.
    async fn prepare(&self, conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<()>;

    /// Runs the statements of the transaction.
    ///
    /// # Errors
    /// Database errors, which roll the registration back.
    async fn register(
        &self,
        conn: &mut PgConnection,
        scope: &Scope,
        now: DateTime<Utc>,
        analysed: AnalysedRecording<'_>,
    ) -> sqlx::Result<()>;
}
