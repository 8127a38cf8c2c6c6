//! Runs renders, checks their files and registers them.

use blob_store::ScratchFile;
use media_time::MediaTime;
use media_v2::MediaError;
use primitives::Id;
use scheduling::WorkProgress;
use sqlx::{Postgres, Transaction};

use super::{Admission, Inner, RenderJob, Renderer};
use crate::captions::script;
use crate::container::Container;
use crate::film::FilmRun;
use crate::prepare::PreparedCall;
use crate::source::ProbedSource;
use crate::store::{self, StoredRender};
use crate::target::{self, RegisteredRender, RenderTarget};
use crate::{Error, Plan, run, truncation};

/// A rendered file on disk, checked against its plan.
struct RenderedFile {
    plan: Plan,
    file: ScratchFile,
    found: ProbedSource,
}

impl Renderer {
    /// Registers an earlier render of another asset with the same bytes for `parent` too.
    pub(super) async fn adopt(
        &self,
        job: &RenderJob<'_>,
        parent: &Id,
        stored: StoredRender,
    ) -> Result<StoredRender, Error> {
        let (scope, now) = (&job.context.scope, self.0.clock.now());
        let mut stored = stored;
        // The plan names the source of the other asset, which has the same bytes.
        for source in &mut stored.plan.sources {
            source.asset_id.clone_from(parent);
        }
        let render = RegisteredRender {
            asset_id: &stored.render_asset_id,
            uri: &stored.uri,
            key: job.key,
            plan: &stored.plan,
        };
        let artifact = job.target.artifact(&render, job.profile);
        let mut transaction = self.0.media.pool().begin().await?;
        let artifact = media_v2::store::insert_artifact(&mut transaction, scope, now, artifact).await?;
        let stored = StoredRender { parent_asset_id: parent.clone(), artifact_id: artifact.id, ..stored };
        self.commit(job, transaction, stored).await
    }

    /// Commits the rows of a render. If the same render has been stored meanwhile, rolls back and returns that one.
    async fn commit(
        &self,
        job: &RenderJob<'_>,
        mut transaction: Transaction<'_, Postgres>,
        stored: StoredRender,
    ) -> Result<StoredRender, Error> {
        if store::insert(&mut transaction, &job.context.scope, job.key, &stored).await? {
            transaction.commit().await?;
            return Ok(stored);
        }
        transaction.rollback().await?;
        // The row is missing only if it has been deleted meanwhile.
        Ok(self.find(job).await?.ok_or(sqlx::Error::RowNotFound)?)
    }

    /// Renders to a file, and registers it.
    pub(super) async fn make(
        &self,
        job: &RenderJob<'_>,
        admission: Admission,
    ) -> Result<StoredRender, Error> {
        let _slot = match admission {
            Admission::FailFast => self.0.queue.try_acquire().await?,
            Admission::Wait => self.0.queue.acquire().await?,
        };
        let Inner { media, tools, limits, .. } = &*self.0;
        let planner = self.planner(job.profile, job.version);
        let file = media.blobs().scratch().await.map_err(MediaError::from)?;
        let plan = match job.target {
            RenderTarget::Film(film) => {
                let film_run = FilmRun { media, tools, profile: job.profile, limits: *limits };
                film_run.check_disk(film).await?;
                let prepared = planner.film(film).await?;
                Box::pin(film_run.run(film, prepared, &file)).await?
            }
            RenderTarget::Asset(of) => self.run(planner.asset(of).await?, &file).await?,
            RenderTarget::Timeline(composition) => {
                self.run(planner.timeline(composition).await?, &file).await?
            }
        };
        let output = self.checked(plan, file).await?;
        self.register(job, output).await
    }

    /// Runs one call of ffmpeg.
    async fn run(&self, call: PreparedCall, file: &ScratchFile) -> Result<Plan, Error> {
        let length = (call.plan.end - call.plan.start).as_secs_f64();
        let progress = |position: MediaTime| {
            WorkProgress::current().report("rendering", position.as_secs_f64() / length);
        };
        let (ffmpeg, arguments) = (&self.0.tools.ffmpeg, &call.plan.arguments);
        let (paths, _script) =
            script::with_script(&call.paths, call.script.as_deref()).map_err(MediaError::from)?;
        run::run(ffmpeg, arguments, &paths, file.path(), self.0.limits, &progress).await?;
        Ok(call.plan)
    }

    /// Checks a file before it is registered.
    async fn checked(&self, plan: Plan, file: ScratchFile) -> Result<RenderedFile, Error> {
        let tools = &self.0.tools;
        let found =
            tools.prober.probe(file.path(), Container::MOV, None).await.map_err(|error| match error {
                Error::UndecodableMedia(_) => Error::BadOutput("it is not an MP4 or MOV file".to_owned()),
                error => error,
            })?;
        let shortest = plan.end - plan.start - truncation::SLACK;
        let is_short = found.duration.is_none_or(|duration| duration < shortest);
        // ffmpeg skips packets that it cannot decode, and ends without an error at the end of a truncated file.
        if is_short || found.video.is_none() || found.audio.is_none() {
            let detail = "the source is damaged or truncated inside the window: video or audio is missing";
            return Err(Error::UndecodableMedia(detail.to_owned()));
        }
        Ok(RenderedFile { plan, file, found })
    }

    /// Stores the bytes, and then in one transaction all their rows: the file as an asset, its sources as artifacts,
    /// and its key.
    async fn register(&self, job: &RenderJob<'_>, output: RenderedFile) -> Result<StoredRender, Error> {
        let RenderedFile { plan, file, found } = output;
        let (target, profile, key) = (job.target, job.profile, job.key);
        let blob = file.store().await.map_err(MediaError::from)?;
        let (scope, now, uri) = (&job.context.scope, self.0.clock.now(), blob.id.uri());
        let user_id = job.context.user_id.clone();
        let asset = target::render_asset(user_id, uri.clone(), blob.size_bytes, &found, &plan, profile);
        let mut transaction = self.0.media.pool().begin().await?;
        let asset = media_v2::store::insert_asset(&mut transaction, scope, now, asset).await?;
        let render = RegisteredRender { asset_id: &asset.id, uri: &uri, key, plan: &plan };
        let artifact = target.artifact(&render, profile);
        let artifact = media_v2::store::insert_artifact(&mut transaction, scope, now, artifact).await?;
        let segments = target.segments(&artifact.id, &render, profile);
        if !segments.is_empty() {
            media_v2::store::insert_artifacts(&mut transaction, scope, now, segments).await?;
        }
        let stored = StoredRender {
            parent_asset_id: artifact.parent_asset_id,
            artifact_id: artifact.id,
            render_asset_id: asset.id,
            uri,
            plan,
        };
        self.commit(job, transaction, stored).await
    }
}
