use std::fmt::Debug;

use async_trait::async_trait;
use http_kit::RequestContext;
use media_time::AssetTime;
use primitives::{Id, Page};
use sqlx::PgConnection;

use crate::error::Error;
use crate::model::{Clip, CreatedTimeline, NewTimeline, Project, Sequence, Track};
use crate::page::Paging;

/// Selects the clips to list, ordered by their start on the timeline, then by creation. Clips
/// [showing](ClipFilter::Showing) a window are ordered by their start in the asset instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClipFilter {
    /// Clips on this track; an unknown track is an error.
    Track(Id),
    /// Clips on every track of this sequence; an unknown sequence is an error.
    Sequence(Id),
    /// Clips that play this asset, in any project.
    Asset(Id),
    /// Clips that represent this artifact, in any project.
    Artifact(Id),
    /// Clips that represent any of these artifacts, in any project: 1 to [`MAX_ARTIFACTS`].
    Artifacts(Vec<Id>),
    /// Clips that play any instant of `[start, end)` of this asset, in any project.
    Showing {
        /// Id of the asset.
        asset_id: Id,
        /// Start of the window.
        start: AssetTime,
        /// End of the window, exclusive; `None` for no end.
        end: Option<AssetTime>,
    },
}

/// Maximum number of artifacts in a [`ClipFilter::Artifacts`].
pub const MAX_ARTIFACTS: usize = 100;

/// Writes rows of another engine that exist if and only if a new timeline does.
#[async_trait]
pub trait TimelineCompanion: Send {
    /// Writes the rows in `transaction`, or in a transaction of its own if the timeline is remote. Any error rolls back
    /// `transaction`; [`Error::CompanionFailed`] means that the companion has kept the actual error.
    async fn write(
        &mut self,
        transaction: Option<&mut PgConnection>,
        made: &CreatedTimeline,
    ) -> Result<(), Error>;
}

/// The timeline's interface for other engines, local or remote.
///
/// Every call acts for the owner that `context` names; objects of other owners are [`Error::NotFound`], like objects
/// that do not exist. All calls fail with [`Error::Database`] or [`Error::Unavailable`] when the timeline cannot be
/// reached.
#[async_trait]
pub trait VideoTimeline: Send + Sync + Debug {
    /// Returns a project by its id.
    async fn get_project(&self, context: &RequestContext, project_id: &Id) -> Result<Project, Error>;

    /// Returns a sequence by its id.
    async fn get_sequence(&self, context: &RequestContext, sequence_id: &Id) -> Result<Sequence, Error>;

    /// Returns a clip by its id.
    async fn get_clip(&self, context: &RequestContext, clip_id: &Id) -> Result<Clip, Error>;

    /// Creates a sequence with its tracks and clips, in a new or existing project, all or nothing;
    /// [`Error::Invalid`] for a field out of range.
    async fn create_timeline(
        &self,
        context: &RequestContext,
        new: NewTimeline,
    ) -> Result<CreatedTimeline, Error>;

    /// As [`create_timeline`](Self::create_timeline), together with the rows of `companion`. A local timeline writes
    /// both in one transaction; the companion of a remote timeline is written after it.
    async fn create_timeline_with(
        &self,
        context: &RequestContext,
        new: NewTimeline,
        companion: &mut dyn TimelineCompanion,
    ) -> Result<CreatedTimeline, Error> {
        let made = self.create_timeline(context, new).await?;
        companion.write(None, &made).await?;
        Ok(made)
    }

    /// Lists the sequences of a project, ordered by position.
    async fn list_sequences(
        &self,
        context: &RequestContext,
        project_id: &Id,
        paging: &Paging,
    ) -> Result<Page<Sequence>, Error>;

    /// Lists the tracks of a sequence, ordered by position.
    async fn list_tracks(
        &self,
        context: &RequestContext,
        sequence_id: &Id,
        paging: &Paging,
    ) -> Result<Page<Track>, Error>;

    /// Lists the clips that match a filter.
    async fn list_clips(
        &self,
        context: &RequestContext,
        filter: &ClipFilter,
        paging: &Paging,
    ) -> Result<Page<Clip>, Error>;
}
