//! A client of a remote timeline, which calls the routes of [`router`](crate::router) over HTTP.

mod answer;
mod transport;

use std::time::Duration;

use async_trait::async_trait;
use http_kit::RequestContext;
use media_time::MediaTime;
use primitives::{Id, Page};
use url::Url;

use crate::client::{ClipFilter, VideoTimeline};
use crate::error::{Entity, Error};
use crate::model::{
    Clip, CreatedTimeline, NewClip, NewClips, NewProject, NewSequence, NewTimeline, NewTrack, Project,
    Sequence, Track,
};
use crate::page::Paging;
use transport::Transport;

/// The address of a remote timeline, with timeouts, retries and limits.
#[derive(Clone, Debug)]
pub struct HttpTimelineConfig {
    /// Root URL of the service, `http` or `https`; `/video/…` is appended.
    pub base_url: Url,
    /// Timeout for opening a connection.
    pub connect_timeout: Duration,
    /// Timeout of one attempt, including reading its response.
    pub attempt_timeout: Duration,
    /// Timeout of a call, including all its attempts.
    pub total_timeout: Duration,
    /// Maximum number of attempts of a call, at least one.
    pub attempts: u32,
    /// Pause before the second attempt; each further pause is twice as long.
    pub backoff: Duration,
    /// Maximum size of a response, in bytes.
    pub max_response_bytes: usize,
}

impl HttpTimelineConfig {
    /// The defaults: 2 s to connect, 10 s per attempt, 30 s in total; 3 attempts, first backoff 100 ms; 64 MiB.
    #[must_use]
    pub fn new(base_url: Url) -> Self {
        Self {
            base_url,
            connect_timeout: Duration::from_secs(2),
            attempt_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            attempts: 3,
            backoff: Duration::from_millis(100),
            max_response_bytes: 64 << 20,
        }
    }
}

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

    async fn get_clip(&self, context: &RequestContext, clip_id: &Id) -> Result<Clip, Error> {
        let url = self.url(&["clips", segment(Entity::Clip, clip_id)?]);
        self.transport.get(context, url).await
    }

    async fn create_project(&self, context: &RequestContext, new: NewProject) -> Result<Project, Error> {
        self.transport.post(context, self.url(&["projects"]), &new).await
    }

    async fn create_sequence(
        &self,
        context: &RequestContext,
        project_id: &Id,
        new: NewSequence,
    ) -> Result<Sequence, Error> {
        let url = self.url(&["projects", segment(Entity::Project, project_id)?, "sequences"]);
        self.transport.post(context, url, &new).await
    }

    async fn create_track(
        &self,
        context: &RequestContext,
        sequence_id: &Id,
        new: NewTrack,
    ) -> Result<Track, Error> {
        let url = self.url(&["sequences", segment(Entity::Sequence, sequence_id)?, "tracks"]);
        self.transport.post(context, url, &new).await
    }

    async fn create_clips(
        &self,
        context: &RequestContext,
        track_id: &Id,
        clips: Vec<NewClip>,
    ) -> Result<Vec<Clip>, Error> {
        let url = self.url(&["tracks", segment(Entity::Track, track_id)?, "clips", "batch"]);
        self.transport.post(context, url, &NewClips { clips }).await
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
                let millis = |time: MediaTime| time.as_millis_f64().to_string();
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
