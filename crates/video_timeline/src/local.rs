//! Implements [`VideoTimeline`] for the local service.

use async_trait::async_trait;
use http_kit::RequestContext;
use primitives::{Id, Page};

use crate::client::{ClipFilter, TimelineCompanion, VideoTimeline};
use crate::error::Error;
use crate::model::{
    Clip, CreatedTimeline, NewClip, NewProject, NewSequence, NewTimeline, NewTrack, Project, Sequence, Track,
};
use crate::page::Paging;
use crate::service::TimelineService;

#[async_trait]
impl VideoTimeline for TimelineService {
    async fn get_project(&self, context: &RequestContext, project_id: &Id) -> Result<Project, Error> {
        self.project(context, project_id).await
    }

    async fn get_clip(&self, context: &RequestContext, clip_id: &Id) -> Result<Clip, Error> {
        self.clip(context, clip_id).await
    }

    async fn create_project(&self, context: &RequestContext, new: NewProject) -> Result<Project, Error> {
        self.make_project(context, new).await
    }

    async fn create_sequence(
        &self,
        context: &RequestContext,
        project_id: &Id,
        new: NewSequence,
    ) -> Result<Sequence, Error> {
        self.make_sequence(context, project_id, &new).await
    }

    async fn create_track(
        &self,
        context: &RequestContext,
        sequence_id: &Id,
        new: NewTrack,
    ) -> Result<Track, Error> {
        self.make_track(context, sequence_id, &new).await
    }

    async fn create_clips(
        &self,
        context: &RequestContext,
        track_id: &Id,
        clips: Vec<NewClip>,
    ) -> Result<Vec<Clip>, Error> {
        self.make_clips(context, track_id, clips).await
    }

    async fn create_timeline(
        &self,
        context: &RequestContext,
        new: NewTimeline,
    ) -> Result<CreatedTimeline, Error> {
        self.make_timeline(context, new, None).await
    }

    async fn create_timeline_with(
        &self,
        context: &RequestContext,
        new: NewTimeline,
        companion: &mut dyn TimelineCompanion,
    ) -> Result<CreatedTimeline, Error> {
        self.make_timeline(context, new, Some(companion)).await
    }

    async fn list_sequences(
        &self,
        context: &RequestContext,
        project_id: &Id,
        paging: &Paging,
    ) -> Result<Page<Sequence>, Error> {
        self.sequences(context, project_id, paging).await
    }

    async fn list_tracks(
        &self,
        context: &RequestContext,
        sequence_id: &Id,
        paging: &Paging,
    ) -> Result<Page<Track>, Error> {
        self.tracks(context, sequence_id, paging).await
    }

    async fn list_clips(
        &self,
        context: &RequestContext,
        filter: &ClipFilter,
        paging: &Paging,
    ) -> Result<Page<Clip>, Error> {
        self.clips(context, filter, paging).await
    }
}
