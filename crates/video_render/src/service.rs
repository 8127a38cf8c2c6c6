//! The rules: what is looked up, what is run, what is registered.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use blob_store::{ScratchFile, StoredBlob};
use futures::StreamExt;
use http_kit::{Boarding, Clock, Flights, RequestContext, Scope, WorkError, WorkQueue};
use media_time::{MediaTime, Window};
use media_v2::{MediaAsset, MediaReader, MediaService, pipeline_hash};
use video_timeline::VideoTimeline;

use crate::container::{self, Container};
use crate::cut::{Cut, Reach};
use crate::model::{RenderRequest, RenderResponse, Rendered};
use crate::run::{self, Limits, path_of};
use crate::source::Source;
use crate::store::{self, Kept};
use crate::subject::{self, WindowOf};
use crate::tools::Tools;
use crate::{Error, Plan, PlannedSource, Profile, Rate, arguments};

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

/// A plan, and the open files that it reads.
struct Prepared {
    plan: Plan,
    files: Vec<MediaReader>,
}

/// A file on disk, as planned.
struct Output {
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
        let flights = Flights::new("render", media.pool().clone());
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
        let Some(asset_id) = &request.asset_id else { return Err(Error::NoSubject) };
        let asset = self.0.media.asset(&context.scope, asset_id).await?;
        if request.dry_run {
            return Ok(self.plan_window(&asset, window, profile).await?.into());
        }
        Ok(self.render_window(context, &asset, window, profile).await?.into())
    }

    /// Renders `window` of an asset of `context`'s owner, or finds the render of the same bytes and window.
    ///
    /// # Errors
    /// See [`Error`]; [`WorkError::Full`] when too many renders wait.
    pub async fn render_window(
        &self,
        context: &RequestContext,
        asset: &MediaAsset,
        window: Window,
        profile: &'static Profile,
    ) -> Result<Rendered, Error> {
        self.find_or_make(context, &WindowOf::new(asset, window)?, profile, Patience::None).await
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
                let of = WindowOf::new(asset, *window)?;
                self.find_or_make(context, &of, profile, Patience::Endless).await
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
        let of = WindowOf::new(asset, window)?;
        let version = self.0.tools.version().await?;
        let _turn = self.0.queue.turn().await?;
        Ok(self.prepare(&of, profile, version).await?.plan)
    }

    async fn find_or_make(
        &self,
        context: &RequestContext,
        of: &WindowOf,
        profile: &'static Profile,
        patience: Patience,
    ) -> Result<Rendered, Error> {
        let version = self.0.tools.version().await?;
        let key = pipeline_hash(&of.produced_by(profile, version));
        let scope = &context.scope;
        let find = async || self.find(scope, &key, of).await;
        let kept = match find().await? {
            Some(kept) => kept,
            None => {
                let lock = format!("video_render|{}|{}|{key}", scope.tenant_id, scope.env);
                match self.0.flights.board(&lock, find).await? {
                    Boarding::Landed(kept) => kept,
                    Boarding::Aboard(flight) => {
                        let made = self.make(context, of, profile, version, &key, patience).await;
                        flight.land().await;
                        metrics::counter!("renders_total", "reused" => "false").increment(1);
                        return made.map(|kept| kept.rendered(false));
                    }
                }
            }
        };
        metrics::counter!("renders_total", "reused" => "true").increment(1);
        if kept.parent_asset_id == of.asset.id {
            return Ok(kept.rendered(true));
        }
        let kept = self.adopt(context, of, profile, &key, kept).await?;
        Ok(kept.rendered(true))
    }

    async fn find(&self, scope: &Scope, key: &str, of: &WindowOf) -> Result<Option<Kept>, Error> {
        let mut conn = self.0.media.pool().acquire().await?;
        Ok(store::find(&mut conn, scope, key, Some(&of.asset.id)).await?)
    }

    /// Registers a render of other assets' same bytes for this asset too.
    async fn adopt(
        &self,
        context: &RequestContext,
        of: &WindowOf,
        profile: &Profile,
        key: &str,
        kept: Kept,
    ) -> Result<Kept, Error> {
        let artifact =
            subject::render_artifact(of, &kept.render_asset_id, kept.uri.clone(), key, &kept.plan, profile);
        let mut transaction = self.0.media.pool().begin().await?;
        let artifact =
            media_v2::store::insert_artifact(&mut transaction, &context.scope, self.0.clock.now(), artifact)
                .await?;
        let kept = Kept { parent_asset_id: of.asset.id.clone(), artifact_id: artifact.id, ..kept };
        store::insert(&mut transaction, &context.scope, key, &kept).await?;
        transaction.commit().await?;
        Ok(kept)
    }

    async fn make(
        &self,
        context: &RequestContext,
        of: &WindowOf,
        profile: &'static Profile,
        version: &str,
        key: &str,
        patience: Patience,
    ) -> Result<Kept, Error> {
        let _turn = match patience {
            Patience::None => self.0.queue.turn().await?,
            Patience::Endless => self.0.queue.patient_turn().await?,
        };
        let Prepared { plan, files } = self.prepare(of, profile, version).await?;
        let Output { file, found } = self.run(&plan, &files).await?;
        let blob = file.keep().await.map_err(media_v2::MediaError::from)?;
        self.register(context, of, profile, key, plan, &found, blob).await
    }

    /// Opens what is read, looks at it, and plans.
    async fn prepare(
        &self,
        of: &WindowOf,
        profile: &'static Profile,
        version: &str,
    ) -> Result<Prepared, Error> {
        let (file, source) = self.open(&of.asset).await?;
        let cut = self.cut(&file, &source, of).await?;
        let fps = match profile.rate {
            Rate::Fixed(rate) => Some(f64::from(rate)),
            Rate::Source => source.video.as_ref().and_then(|video| video.fps),
        };
        let planned = PlannedSource {
            asset_id: of.asset.id.clone(),
            content_sha256: of.asset.content_sha256.clone(),
            demuxer: source.container.demuxer.to_owned(),
            first_frame_ms: cut.first_frame.map(|first| first - source.start),
        };
        let arguments = arguments::of_window(&source, &cut, profile);
        let plan = Plan::new(version, profile, of.window, fps, vec![planned], arguments);
        Ok(Prepared { plan, files: vec![file] })
    }

    async fn open(&self, asset: &MediaAsset) -> Result<(MediaReader, Source), Error> {
        let mut file = self.0.media.open_source(asset.content()).await?;
        let sniffed = tokio::task::spawn_blocking(move || {
            let container = container::sniff(&mut file)?;
            Ok::<_, std::io::Error>((file, container))
        });
        let sniffed = sniffed.await.map_err(|source| WorkError::Broken { queue: "render", source })?;
        let (file, container) = sniffed.map_err(media_v2::MediaError::from)?;
        let container = container.ok_or_else(|| Error::UnsupportedContainer(asset.id.clone()))?;
        let source = self.0.tools.prober.probe(&path_of(&file), container).await?;
        if source.video.is_none() && source.audio.is_none() {
            return Err(Error::UndecodableMedia("it has neither pictures nor sound".to_owned()));
        }
        Ok((file, source))
    }

    async fn cut(&self, file: &MediaReader, source: &Source, of: &WindowOf) -> Result<Cut, Error> {
        // What the asset's own row does not tell.
        if let Some(duration) = source.duration.filter(|duration| *duration <= of.window.start()) {
            let (end, subject) = (of.window.end(), of.asset.id.clone());
            return Err(Error::WindowOutside { end, subject, duration });
        }
        let window = of.window.shift(source.start);
        let Some(video) = &source.video else { return Ok(Cut::of_sound(source, window)) };
        let mut reach = Reach::FIRST;
        loop {
            let (from, until) = (reach.from(source, window), reach.until(window));
            let prober = &self.0.tools.prober;
            let packets = prober.packets(&path_of(file), source, video, from, until).await?;
            match reach.next(window, &packets) {
                Some(further) => reach = further,
                None => return Ok(Cut::of_pictures(source, window, &packets)),
            }
        }
    }

    /// Runs ffmpeg, and looks at its file before anybody else does.
    async fn run(&self, plan: &Plan, files: &[MediaReader]) -> Result<Output, Error> {
        let tools = &self.0.tools;
        let file = self.0.media.blobs().scratch().await.map_err(media_v2::MediaError::from)?;
        let sources: Vec<PathBuf> = files.iter().map(path_of).collect();
        run::run(&tools.ffmpeg, &plan.arguments, &sources, file.path(), self.0.limits).await?;
        let bad = |reason: &str| Error::BadOutput(reason.to_owned());
        let written = tools.prober.probe(file.path(), Container { demuxer: "mov" }).await;
        let found = written.map_err(|error| match error {
            Error::UndecodableMedia(_) => bad("it is no MP4 or MOV file"),
            error => error,
        })?;
        if found.video.is_none() || found.audio.is_none() {
            return Err(bad("it lacks pictures or sound"));
        }
        let shortest = plan.end_ms - plan.start_ms - MediaTime::from_millis(50);
        if found.duration.is_none_or(|duration| duration < shortest) {
            return Err(bad("it is shorter than the window"));
        }
        Ok(Output { file, found })
    }

    /// The file as an asset, what it is of as an artifact, and its key: all, or nothing.
    #[expect(clippy::too_many_arguments, reason = "the parts of one row each")]
    async fn register(
        &self,
        context: &RequestContext,
        of: &WindowOf,
        profile: &Profile,
        key: &str,
        plan: Plan,
        found: &Source,
        blob: StoredBlob,
    ) -> Result<Kept, Error> {
        let (scope, now, uri) = (&context.scope, self.0.clock.now(), blob.id.uri());
        let asset = subject::render_asset(
            context.user_id.clone(),
            uri.clone(),
            blob.size_bytes,
            found,
            &plan,
            profile,
        );
        let mut transaction = self.0.media.pool().begin().await?;
        let asset = media_v2::store::insert_asset(&mut transaction, scope, now, asset).await?;
        let artifact = subject::render_artifact(of, &asset.id, uri.clone(), key, &plan, profile);
        let artifact = media_v2::store::insert_artifact(&mut transaction, scope, now, artifact).await?;
        let kept = Kept {
            parent_asset_id: of.asset.id.clone(),
            artifact_id: artifact.id,
            render_asset_id: asset.id,
            uri,
            plan,
        };
        store::insert(&mut transaction, scope, key, &kept).await?;
        transaction.commit().await?;
        Ok(kept)
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
