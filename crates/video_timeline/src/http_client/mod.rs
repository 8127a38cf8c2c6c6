//! A client of a remote timeline, which calls the routes of [`router`](crate::router) over HTTP.

mod answer;
mod config;
mod transport;

use async_trait::async_trait;
use http_kit::RequestContext;
use media_time::AssetTime;
use primitives::{Id, Page};
use url::Url;

use crate::client::{ClipFilter, VideoTimeline};
use crate::error::{Entity, Error};
use crate::model::{Clip, CreatedTimeline, NewTimeline, Project, Sequence, Track};
use crate::page::Paging;
pub use config::HttpTimelineConfig;
use transport::Transport;

/// A [`VideoTimeline`] over HTTP.
///
/// Each call carries the caller's tenant, environment, user and request id. Reads, and writes with an `Idempotency-Key`
/// of their own, are retried when the remote cannot be reached or reports overload; the remote must store those keys,
/// as harkback does. The environment's proxy settings are ignored.
#[derive(Clone, Debug)]
pub struct HttpTimeline {
    transport: Transport,
}

impl HttpTimeline {
    /// Creates the client without connecting.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when `base_url` is not `http` or `https`, or TLS cannot be set up.
    pub fn new(config: HttpTimelineConfig) -> Result<Self, Error> {
        Transport::new(config).map(|transport| Self { transport })
    }

    fn url(&self, segments: &[&str]) -> Url {
        self.transport.url(segments)
    }
}

/// `.` and `..` are valid ids, but cannot be segments of a URL; no timeline assigns them.
fn segment(kind: Entity, id: &Id) -> Result<&str, Error> {
    match id.as_str() {
        "." | ".." => Err(Error::not_found(kind, id)),
        text => Ok(text),
    }
}

fn add_paging(url: &mut Url, paging: &Paging) {
    let mut query = url.query_pairs_mut();
    query.append_pair("limit", &paging.limit.get().to_string());
    if let Some(cursor) = &paging.cursor {
        query.append_pair("cursor", cursor);
    }
}

#[async_trait]
impl VideoTimeline for HttpTimeline {
    async fn get_project(&self, context: &RequestContext, project_id: &Id) -> Result<Project, Error> {
        let url = self.url(&["projects", segment(Entity::Project, project_id)?]);
        self.transport.get(context, url).await
    }

    async fn get_sequence(&self, context: &RequestContext, sequence_id: &Id) -> Result<Sequence, Error> {
        let url = self.url(&["sequences", segment(Entity::Sequence, sequence_id)?]);
        self.transport.get(context, url).await
    }

    async fn get_clip(&self, context: &RequestContext, clip_id: &Id) -> Result<Clip, Error> {
        let url = self.url(&["clips", segment(Entity::Clip, clip_id)?]);
        self.transport.get(context, url).await
    }

    async fn create_timeline(
        &self,
        context: &RequestContext,
        new: NewTimeline,
    ) -> Result<CreatedTimeline, Error> {
        self.transport.post(context, self.url(&["timelines"]), &new).await
    }

    async fn list_sequences(
        &self,
        context: &RequestContext,
        project_id: &Id,
        paging: &Paging,
    ) -> Result<Page<Sequence>, Error> {
        let mut url = self.url(&["projects", segment(Entity::Project, project_id)?, "sequences"]);
        add_paging(&mut url, paging);
        self.transport.get(context, url).await
    }

    async fn list_tracks(
        &self,
        context: &RequestContext,
        sequence_id: &Id,
        paging: &Paging,
    ) -> Result<Page<Track>, Error> {
        let mut url = self.url(&["sequences", segment(Entity::Sequence, sequence_id)?, "tracks"]);
        add_paging(&mut url, paging);
        self.transport.get(context, url).await
    }

    async fn list_clips(
        &self,
        context: &RequestContext,
        filter: &ClipFilter,
        paging: &Paging,
    ) -> Result<Page<Clip>, Error> {
        let used_by = |parameter: &str, value: &str| {
            let mut url = self.url(&["clips"]);
            url.query_pairs_mut().append_pair(parameter, value);
            url
        };
        let mut url = match filter {
            ClipFilter::Track(id) => self.url(&["tracks", segment(Entity::Track, id)?, "clips"]),
            ClipFilter::Sequence(id) => self.url(&["sequences", segment(Entity::Sequence, id)?, "clips"]),
            ClipFilter::Asset(id) => used_by("asset_id", id.as_str()),
            ClipFilter::Artifact(id) => used_by("artifact_id", id.as_str()),
            ClipFilter::Artifacts(ids) => {
                let ids: Vec<&str> = ids.iter().map(Id::as_str).collect();
                used_by("artifact_ids", &ids.join(","))
            }
            ClipFilter::Showing { asset_id, start, end } => {
                let mut url = used_by("asset_id", asset_id.as_str());
                let millis = |time: AssetTime| time.since_zero().as_millis_f64().to_string();
                url.query_pairs_mut().append_pair("start_ms", &millis(*start));
                if let Some(end) = end {
                    url.query_pairs_mut().append_pair("end_ms", &millis(*end));
                }
                url
            }
        };
        add_paging(&mut url, paging);
        self.transport.get(context, url).await
    }
}
