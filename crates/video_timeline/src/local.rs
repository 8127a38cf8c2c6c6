//! Implements [`VideoTimeline`] for the local service.

use async_trait::async_trait;
use http_kit::RequestContext;
use primitives::{Id, Page};

use crate::client::{ClipFilter, TimelineCompanion, VideoTimeline};
use crate::error::Error;
use crate::model::{Clip, CreatedTimeline, NewTimeline, Project, Sequence, Track};
use crate::page::Paging;
use crate::service::TimelineService;

#[async_trait]
impl VideoTimeline for TimelineService {
    async fn get_project(&self, context: &RequestContext, project_id: &Id) -> Result<Project, Error> {
        self.get(context, project_id).await
    }

    async fn get_sequence(&self, context: &RequestContext, sequence_id: &Id) -> Result<Sequence, Error> {
        self.get(context, sequence_id).await
    }

    async fn get_clip(&self, context: &RequestContext, clip_id: &Id) -> Result<Clip, Error> {
        self.get(context, clip_id).await
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
        self.children(context, project_id, paging).await
    }

    async fn list_tracks(
        &self,
        context: &RequestContext,
        sequence_id: &Id,
        paging: &Paging,
    ) -> Result<Page<Track>, Error> {
        self.children(context, sequence_id, paging).await
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
