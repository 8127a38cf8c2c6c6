//! The render service: finds earlier renders, runs new ones, and registers their files.

mod make;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use audio_to_video_origin::VideoOrigins;
use futures::StreamExt;
use http_kit::RequestContext;
use media_time::{AssetTime, Window};
use media_v2::{MediaAsset, MediaService, pipeline_hash};
use primitives::Clock;
use scheduling::{SingleFlight, WorkProgress, WorkQueue};
use video_timeline::VideoTimeline;

use crate::model::{RenderRequest, RenderResponse, Rendered};
use crate::prepare::{DecodedFrom, RenderPlanner};
use crate::run::RenderLimits;
use crate::selection::TargetReader;
use crate::store::{self, StoredRender};
use crate::target::RenderTarget;
use crate::tools::Tools;
use crate::{Error, Fit, Plan, Profile};

/// Configuration of the renderer.
#[derive(Clone, Debug)]
pub struct RenderConfig {
    /// Path of ffmpeg; use an absolute path, because it is started without an environment.
    pub ffmpeg: PathBuf,
    /// Path of ffprobe; use an absolute path.
    pub ffprobe: PathBuf,
    /// Number of renders that run at once.
    pub workers: usize,
    /// Number of further renders that may wait in the queue.
    pub waiting: usize,
    /// Resource limits of one render.
    pub limits: RenderLimits,
}

impl Default for RenderConfig {
    fn default() -> Self {
        let hour = Duration::from_secs(3_600);
        Self {
            ffmpeg: "ffmpeg".into(),
            ffprobe: "ffprobe".into(),
            workers: 2,
            waiting: 16,
            limits: RenderLimits { time: hour, stall: Duration::from_secs(120), output_bytes: 64 << 30 },
        }
    }
}

/// Renders windows to files, and reuses earlier renders. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Renderer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    media: MediaService,
    timeline: Arc<dyn VideoTimeline>,
    shot_lists: VideoOrigins,
    tools: Tools,
    queue: WorkQueue,
    workers: usize,
    limits: RenderLimits,
    single_flight: SingleFlight,
    clock: Arc<dyn Clock>,
}

/// What a render does when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    /// Fails at once.
    FailFast,
    /// Waits; the caller limits its own concurrency.
    Wait,
}

/// One requested render, with its key.
struct RenderJob<'a> {
    context: &'a RequestContext,
    target: &'a RenderTarget,
    profile: &'static Profile,
    version: &'a str,
    key: &'a str,
}

impl Renderer {
    /// A renderer over a media store, a timeline and shot lists.
    #[must_use]
    pub fn new(
        media: MediaService,
        timeline: Arc<dyn VideoTimeline>,
        shot_lists: VideoOrigins,
        config: RenderConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let single_flight = SingleFlight::new(media.pool().clone());
        let queue = WorkQueue::new("render", config.workers, config.waiting);
        let tools = Tools::new(config.ffmpeg, config.ffprobe);
        let (workers, limits) = (config.workers.max(1), config.limits);
        Self(Arc::new(Inner {
            media,
            timeline,
            shot_lists,
            tools,
            queue,
            workers,
            limits,
            single_flight,
            clock,
        }))
    }

    /// The versions of the renderer and of ffmpeg, which are part of every render's key.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when ffmpeg or ffprobe cannot be run.
    pub async fn version(&self) -> Result<String, Error> {
        self.0.tools.version().await.map(str::to_owned)
    }

    /// Renders the window of a request, or plans it for a dry run.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn render(
        &self,
        context: &RequestContext,
        request: &RenderRequest,
    ) -> Result<RenderResponse, Error> {
        let profile = Profile::named(&request.render_profile)?;
        let Inner { media, timeline, shot_lists, tools, .. } = &*self.0;
        let reader = TargetReader { media, timeline: &**timeline, shot_lists, tools, context, profile };
        let target = reader.read(request).await?;
        if request.dry_run {
            return Ok(self.plan(&target, profile).await?.into());
        }
        Ok(self.find_or_make(context, &target, profile, Admission::FailFast).await?.into())
    }

    /// Renders `window` of an asset of `context`'s owner, or returns an earlier render of the same bytes and window.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Work`] when the queue is full.
    pub async fn render_window(
        &self,
        context: &RequestContext,
        asset: &MediaAsset,
        window: Window<AssetTime>,
        profile: &'static Profile,
    ) -> Result<Rendered, Error> {
        let target = RenderTarget::of_asset(asset, window, Fit::Contain)?;
        self.find_or_make(context, &target, profile, Admission::FailFast).await
    }

    /// Renders many windows, at most one per worker at once, and returns one result for each, in the given order. Waits
    /// when the queue is full.
    pub async fn render_windows(
        &self,
        context: &RequestContext,
        windows: &[(MediaAsset, Window<AssetTime>)],
        profile: &'static Profile,
    ) -> Vec<Result<Rendered, Error>> {
        // The futures are created before the stream: a closure inside it would have to be valid for every lifetime.
        let renders: Vec<_> = windows
            .iter()
            .zip(WorkProgress::current().split(windows.len()))
            .map(async |((asset, window), progress)| {
                let rendering = async {
                    let target = RenderTarget::of_asset(asset, *window, Fit::Contain)?;
                    self.find_or_make(context, &target, profile, Admission::Wait).await
                };
                let rendered = progress.watch(rendering).await;
                // Also after an earlier render, or an error.
                progress.complete();
                rendered
            })
            .collect();
        futures::stream::iter(renders).buffered(self.0.workers).collect().await
    }

    /// The plan of [`Renderer::render_window`], without rendering.
    ///
    /// # Errors
    /// As [`Renderer::render_window`].
    pub async fn plan_window(
        &self,
        asset: &MediaAsset,
        window: Window<AssetTime>,
        profile: &'static Profile,
    ) -> Result<Plan, Error> {
        self.plan(&RenderTarget::of_asset(asset, window, Fit::Contain)?, profile).await
    }

    async fn plan(&self, target: &RenderTarget, profile: &'static Profile) -> Result<Plan, Error> {
        let version = self.0.tools.version().await?;
        let _slot = self.0.queue.try_acquire().await?;
        self.planner(profile, version).plan(target).await
    }

    fn planner<'a>(&'a self, profile: &'static Profile, version: &'a str) -> RenderPlanner<'a> {
        let Inner { media, tools, .. } = &*self.0;
        RenderPlanner { media, tools, profile, version, from: DecodedFrom::Keyframe }
    }

    async fn find_or_make(
        &self,
        context: &RequestContext,
        target: &RenderTarget,
        profile: &'static Profile,
        admission: Admission,
    ) -> Result<Rendered, Error> {
        let version = self.0.tools.version().await?;
        let key = &pipeline_hash(&target.produced_by(profile, version));
        let job = RenderJob { context, target, profile, version, key };
        let found = match self.find(&job).await? {
            Some(stored) => stored,
            None => {
                let scope = &context.scope;
                let lock = format!("video_render|{}|{}|{key}", scope.tenant_id, scope.env);
                let (stored, is_found) = self
                    .0
                    .single_flight
                    .get_or_make(&lock, || self.find(&job), Box::pin(self.make(&job, admission)))
                    .await?;
                if !is_found {
                    metrics::counter!("renders_total", "reused" => "false").increment(1);
                    return Ok(stored.rendered(false));
                }
                stored
            }
        };
        metrics::counter!("renders_total", "reused" => "true").increment(1);
        match target.parent() {
            Some(parent) if found.parent_asset_id != *parent => {
                Ok(self.adopt(&job, parent, found).await?.rendered(true))
            }
            _ => Ok(found.rendered(true)),
        }
    }

    async fn find(&self, job: &RenderJob<'_>) -> Result<Option<StoredRender>, Error> {
        let mut conn = self.0.media.pool().acquire().await?;
        Ok(store::find(&mut conn, &job.context.scope, job.key, job.target.parent()).await?)
    }
}

impl StoredRender {
    fn rendered(self, reused: bool) -> Rendered {
        Rendered {
            render_asset_id: self.render_asset_id,
            artifact_id: self.artifact_id,
            uri: self.uri,
            plan: self.plan,
            reused,
        }
    }
}
