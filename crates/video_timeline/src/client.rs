use std::fmt::Debug;

use async_trait::async_trait;
use http_kit::{Id, Page, RequestContext};
use media_time::MediaTime;
use sqlx::PgConnection;

use crate::error::Error;
use crate::model::{
    Clip, CreatedTimeline, NewClip, NewProject, NewSequence, NewTimeline, NewTrack, Project, Sequence, Track,
};
use crate::page::Paging;

/// Which clips to list, ordered by their begin on the timeline, then by creation; those
/// [showing](ClipFilter::Showing) a window by their begin in the asset instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClipFilter {
    /// Those on this track; an unknown track is an error.
    Track(Id),
    /// Those on every track of this sequence; an unknown sequence is an error.
    Sequence(Id),
    /// Those that play this asset, in any project.
    Asset(Id),
    /// Those that stand for this artifact, in any project.
    Artifact(Id),
    /// Those that stand for any of these artifacts, in any project: 1 to [`MAX_ARTIFACTS`].
    Artifacts(Vec<Id>),
    /// Those that play any instant of `[start, end)` of this asset, in any project.
    Showing {
        /// The asset.
        asset_id: Id,
        /// The first instant of the window.
        start: MediaTime,
        /// The first instant after it; `None` is after every clip.
        end: Option<MediaTime>,
    },
}

/// The most artifacts of one [`ClipFilter::Artifacts`].
pub const MAX_ARTIFACTS: usize = 100;

/// Rows of another engine that are there when a new timeline is, and only then.
#[async_trait]
pub trait TimelineCompanion: Send {
    /// Writes them in `transaction`, or, where the timeline is remote and there is none, in one of its own. Any error
    /// undoes `transaction`; [`Error::CompanionFailed`] stands for one that the companion keeps for itself.
    async fn write(
        &mut self,
        transaction: Option<&mut PgConnection>,
        made: &CreatedTimeline,
    ) -> Result<(), Error>;
}

/// The timeline as other engines see it, be it in this process or remote.
///
/// Every call acts for the owner that `context` names: what belongs to another is
/// [`Error::NotFound`], as what does not exist. All calls fail with [`Error::Database`] or
/// [`Error::Unavailable`] when the timeline cannot be reached.
#[async_trait]
pub trait VideoTimeline: Send + Sync + Debug {
    /// Reads a project.
    async fn get_project(&self, context: &RequestContext, project_id: &Id) -> Result<Project, Error>;

    /// Reads a clip.
    async fn get_clip(&self, context: &RequestContext, clip_id: &Id) -> Result<Clip, Error>;

    /// Makes a project; its user is the context's. [`Error::Invalid`] for a field out of range, here
    /// and below.
    async fn create_project(&self, context: &RequestContext, new: NewProject) -> Result<Project, Error>;

    /// Makes a sequence of a project.
    async fn create_sequence(
        &self,
        context: &RequestContext,
        project_id: &Id,
        new: NewSequence,
    ) -> Result<Sequence, Error>;

    /// Makes a track of a sequence.
    async fn create_track(
        &self,
        context: &RequestContext,
        sequence_id: &Id,
        new: NewTrack,
    ) -> Result<Track, Error>;

    /// Puts clips on a track: all, or none. The answer is in the order given; at most 10 000 clips,
    /// in a constant number of statements.
    async fn create_clips(
        &self,
        context: &RequestContext,
        track_id: &Id,
        clips: Vec<NewClip>,
    ) -> Result<Vec<Clip>, Error>;

    /// Makes a sequence with one track of clips, on a new project or an existing one: all, or
    /// nothing.
    async fn create_timeline(
        &self,
        context: &RequestContext,
        new: NewTimeline,
    ) -> Result<CreatedTimeline, Error>;

    /// As [`create_timeline`](Self::create_timeline), with what `companion` writes. In this process both are one
    /// transaction; the companion of a remote timeline is written after it.
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

    /// Lists the sequences of a project, by position.
    async fn list_sequences(
        &self,
        context: &RequestContext,
        project_id: &Id,
        paging: &Paging,
    ) -> Result<Page<Sequence>, Error>;

    /// Lists the tracks of a sequence, by position.
    async fn list_tracks(
        &self,
        context: &RequestContext,
        sequence_id: &Id,
        paging: &Paging,
    ) -> Result<Page<Track>, Error>;

    /// Lists clips by where they are or what they use.
    async fn list_clips(
        &self,
        context: &RequestContext,
        filter: &ClipFilter,
        paging: &Paging,
    ) -> Result<Page<Clip>, Error>;
}
