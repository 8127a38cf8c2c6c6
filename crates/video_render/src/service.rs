//! The rules: what is looked up, what is run, what is registered.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use blob_store::ScratchFile;
use futures::StreamExt;
use http_kit::{Boarding, Clock, Flights, Id, RequestContext, WorkQueue};
use media_time::Window;
use media_v2::{MediaAsset, MediaError, MediaService, pipeline_hash};
use sqlx::{Postgres, Transaction};
use video_timeline::VideoTimeline;

use crate::composition::{Composition, Place};
use crate::container::Container;
use crate::model::{RenderRequest, RenderResponse, Rendered};
use crate::prepare::{Preparation, Prepared};
use crate::run::{self, Limits};
use crate::source::Source;
use crate::store::{self, Kept};
use crate::subject::{self, Registered, Subject};
use crate::tools::Tools;
use crate::{Error, Plan, Profile, truncation};

/// What the renderer is told by the configuration.
#[derive(Clone, Debug)]
pub struct RenderConfig {
    /// The program, best as an absolute path: it is started without an environment.
    pub ffmpeg: PathBuf,
    /// The program.
    pub ffprobe: PathBuf,
    /// How many renders run at once.
    pub workers: usize,
    /// How many more may wait for that.
    pub waiting: usize,
    /// What one render may cost.
    pub limits: Limits,
}

impl Default for RenderConfig {
    fn default() -> Self {
        let hour = Duration::from_secs(3_600);
        Self {
            ffmpeg: "ffmpeg".into(),
            ffprobe: "ffprobe".into(),
            workers: 2,
            waiting: 16,
            limits: Limits { time: hour, silence: Duration::from_secs(120), output_bytes: 64 << 30 },
        }
    }
}

/// Renders windows to files, and finds those that it has rendered before. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Renderer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    media: MediaService,
    timeline: Arc<dyn VideoTimeline>,
    tools: Tools,
    queue: WorkQueue,
    workers: usize,
    limits: Limits,
    flights: Flights,
    clock: Arc<dyn Clock>,
}

/// Does a caller wait for a place in the queue?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// No: a full queue is told at once.
    None,
    /// Yes: the caller sends only so many at once.
    Endless,
}

/// One render that is asked for.
struct Order<'a> {
    context: &'a RequestContext,
    subject: &'a Subject,
    profile: &'static Profile,
    version: &'a str,
    key: &'a str,
}

/// A file on disk that is as planned.
struct Output {
    plan: Plan,
    file: ScratchFile,
    found: Source,
}

impl Renderer {
    /// A renderer over a media store and a timeline.
    #[must_use]
    pub fn new(
        media: MediaService,
        timeline: Arc<dyn VideoTimeline>,
        config: RenderConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let flights = Flights::new(media.pool().clone());
        let queue = WorkQueue::new("render", config.workers, config.waiting);
        let tools = Tools::new(config.ffmpeg, config.ffprobe);
        let (workers, limits) = (config.workers.max(1), config.limits);
        Self(Arc::new(Inner { media, timeline, tools, queue, workers, limits, flights, clock }))
    }

    /// The versions of renderer and ffmpeg: part of every render's key.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when ffmpeg or ffprobe does not run.
    pub async fn version(&self) -> Result<String, Error> {
        self.0.tools.version().await.map(str::to_owned)
    }

    /// Answers a request.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn render(
        &self,
        context: &RequestContext,
        request: &RenderRequest,
    ) -> Result<RenderResponse, Error> {
        let profile = Profile::named(&request.render_profile)?;
        let window = Window::new(request.start_ms, request.end_ms)
            .map_err(|window| Error::InvalidWindow { start: window.start, end: window.end })?;
        let subject = self.subject(context, request, window, profile).await?;
        if request.dry_run {
            return Ok(self.plan(&subject, profile).await?.into());
        }
        Ok(self.find_or_make(context, &subject, profile, Patience::None).await?.into())
    }

    async fn subject(
        &self,
        context: &RequestContext,
        request: &RenderRequest,
        window: Window,
        profile: &Profile,
    ) -> Result<Subject, Error> {
        match (&request.asset_id, &request.project_id) {
            (Some(asset_id), None) if request.sequence_id.is_none() => {
                Subject::of_asset(&self.0.media.asset(&context.scope, asset_id).await?, window)
            }
            (None, Some(project_id)) => {
                let place = Place { project_id, sequence_id: request.sequence_id.as_ref(), window };
                let (timeline, media) = (&*self.0.timeline, &self.0.media);
                let composition = Composition::load(timeline, media, context, place, profile).await?;
                Ok(Subject::Timeline(Box::new(composition)))
            }
            _ => Err(Error::NoSubject),
        }
    }

    /// Renders `window` of an asset of `context`'s owner, or finds the render of the same bytes and window.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Work`] when too many renders wait.
    pub async fn render_window(
        &self,
        context: &RequestContext,
        asset: &MediaAsset,
        window: Window,
        profile: &'static Profile,
    ) -> Result<Rendered, Error> {
        let subject = Subject::of_asset(asset, window)?;
        self.find_or_make(context, &subject, profile, Patience::None).await
    }

    /// Renders many windows, as many at once as the renderer has workers; each has an answer of its own, in
    /// the order given. A full queue is waited for.
    pub async fn render_windows(
        &self,
        context: &RequestContext,
        windows: &[(MediaAsset, Window)],
        profile: &'static Profile,
    ) -> Vec<Result<Rendered, Error>> {
        // Futures before the stream: a closure inside it would have to hold for every lifetime.
        let renders: Vec<_> = windows
            .iter()
            .map(async |(asset, window)| {
                let subject = Subject::of_asset(asset, *window)?;
                self.find_or_make(context, &subject, profile, Patience::Endless).await
            })
            .collect();
        futures::stream::iter(renders).buffered(self.0.workers).collect().await
    }

    /// What [`Renderer::render_window`] would do.
    ///
    /// # Errors
    /// As there.
    pub async fn plan_window(
        &self,
        asset: &MediaAsset,
        window: Window,
        profile: &'static Profile,
    ) -> Result<Plan, Error> {
        self.plan(&Subject::of_asset(asset, window)?, profile).await
    }

    async fn plan(&self, subject: &Subject, profile: &'static Profile) -> Result<Plan, Error> {
        let version = self.0.tools.version().await?;
        let _turn = self.0.queue.turn().await?;
        Ok(self.preparation(profile, version).prepare(subject).await?.plan)
    }

    fn preparation<'a>(&'a self, profile: &'static Profile, version: &'a str) -> Preparation<'a> {
        Preparation { media: &self.0.media, tools: &self.0.tools, profile, version }
    }

    async fn find_or_make(
        &self,
        context: &RequestContext,
        subject: &Subject,
        profile: &'static Profile,
        patience: Patience,
    ) -> Result<Rendered, Error> {
        let version = self.0.tools.version().await?;
        let key = &pipeline_hash(&subject.produced_by(profile, version));
        let order = Order { context, subject, profile, version, key };
        let found = match self.find(&order).await? {
            Some(kept) => kept,
            None => {
                let scope = &context.scope;
                let lock = format!("video_render|{}|{}|{key}", scope.tenant_id, scope.env);
                match self.0.flights.board(&lock, || self.find(&order)).await? {
                    Boarding::Landed(kept) => kept,
                    Boarding::Aboard(flight) => {
                        let made = self.make(&order, patience).await;
                        flight.land().await;
                        metrics::counter!("renders_total", "reused" => "false").increment(1);
                        return made.map(|kept| kept.rendered(false));
                    }
                }
            }
        };
        metrics::counter!("renders_total", "reused" => "true").increment(1);
        match subject.parent() {
            Some(parent) if found.parent_asset_id != *parent => {
                Ok(self.adopt(&order, parent, found).await?.rendered(true))
            }
            _ => Ok(found.rendered(true)),
        }
    }

    async fn find(&self, order: &Order<'_>) -> Result<Option<Kept>, Error> {
        let mut conn = self.0.media.pool().acquire().await?;
        Ok(store::find(&mut conn, &order.context.scope, order.key, order.subject.parent()).await?)
    }

    /// Registers a render of other assets' same bytes for `parent` too.
    async fn adopt(&self, order: &Order<'_>, parent: &Id, kept: Kept) -> Result<Kept, Error> {
        let (scope, now) = (&order.context.scope, self.0.clock.now());
        let render =
            Registered { asset_id: &kept.render_asset_id, uri: &kept.uri, key: order.key, plan: &kept.plan };
        let artifact = order.subject.artifact(&render, order.profile);
        let mut transaction = self.0.media.pool().begin().await?;
        let artifact = media_v2::store::insert_artifact(&mut transaction, scope, now, artifact).await?;
        let kept = Kept { parent_asset_id: parent.clone(), artifact_id: artifact.id, ..kept };
        self.keep(order, transaction, kept).await
    }

    /// Commits the rows of a render, unless the same one was kept meanwhile: that is the answer then, and nothing of
    /// ours stays.
    async fn keep(
        &self,
        order: &Order<'_>,
        mut transaction: Transaction<'_, Postgres>,
        kept: Kept,
    ) -> Result<Kept, Error> {
        if store::insert(&mut transaction, &order.context.scope, order.key, &kept).await? {
            transaction.commit().await?;
            return Ok(kept);
        }
        transaction.rollback().await?;
        // Only if it was deleted again there is none.
        Ok(self.find(order).await?.ok_or(sqlx::Error::RowNotFound)?)
    }

    async fn make(&self, order: &Order<'_>, patience: Patience) -> Result<Kept, Error> {
        let _turn = match patience {
            Patience::None => self.0.queue.turn().await?,
            Patience::Endless => self.0.queue.patient_turn().await?,
        };
        let prepared = self.preparation(order.profile, order.version).prepare(order.subject).await?;
        let output = self.run(prepared).await?;
        self.register(order, output).await
    }

    /// Runs ffmpeg, and looks at its file before anybody else does.
    async fn run(&self, prepared: Prepared) -> Result<Output, Error> {
        let tools = &self.0.tools;
        let file = self.0.media.blobs().scratch().await.map_err(MediaError::from)?;
        let arguments = &prepared.plan.arguments;
        run::run(&tools.ffmpeg, arguments, &prepared.paths, file.path(), self.0.limits).await?;
        let found =
            tools.prober.probe(file.path(), Container::MOV, None).await.map_err(|error| match error {
                Error::UndecodableMedia(_) => Error::BadOutput("it is no MP4 or MOV file".to_owned()),
                error => error,
            })?;
        let plan = prepared.plan;
        let shortest = plan.end_ms - plan.start_ms - truncation::SLACK;
        let is_short = found.duration.is_none_or(|duration| duration < shortest);
        // ffmpeg passes over what it cannot decode, and ends without complaint where a cut off file does.
        if is_short || found.video.is_none() || found.audio.is_none() {
            let detail =
                "the source is damaged, or cut off, inside the window: pictures or sound are missing";
            return Err(Error::UndecodableMedia(detail.to_owned()));
        }
        Ok(Output { plan, file, found })
    }

    /// The bytes, and then all rows that tell of them, or none: the file as an asset, what it is of as
    /// artifacts, and its key.
    async fn register(&self, order: &Order<'_>, output: Output) -> Result<Kept, Error> {
        let Output { plan, file, found } = output;
        let (subject, profile, key) = (order.subject, order.profile, order.key);
        let blob = file.keep().await.map_err(MediaError::from)?;
        let (scope, now, uri) = (&order.context.scope, self.0.clock.now(), blob.id.uri());
        let user_id = order.context.user_id.clone();
        let asset = subject::render_asset(user_id, uri.clone(), blob.size_bytes, &found, &plan, profile);
        let mut transaction = self.0.media.pool().begin().await?;
        let asset = media_v2::store::insert_asset(&mut transaction, scope, now, asset).await?;
        let render = Registered { asset_id: &asset.id, uri: &uri, key, plan: &plan };
        let artifact = subject.artifact(&render, profile);
        let artifact = media_v2::store::insert_artifact(&mut transaction, scope, now, artifact).await?;
        let segments = subject.segments(&artifact.id, &render, profile);
        if !segments.is_empty() {
            media_v2::store::insert_artifacts(&mut transaction, scope, now, segments).await?;
        }
        let kept = Kept {
            parent_asset_id: artifact.parent_asset_id,
            artifact_id: artifact.id,
            render_asset_id: asset.id,
            uri,
            plan,
        };
        self.keep(order, transaction, kept).await
    }
}

impl Kept {
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
