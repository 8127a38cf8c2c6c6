//! Runs renders, checks their files and registers them.

use blob_store::ScratchFile;
use confined_process::ToolError;
use media_time::{FileTime, MediaTime};
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

/// Latest start of the video in a file: more than a tick of any clock, less than a frame.
const LATEST_START: MediaTime = MediaTime::from_millis(2);

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
        let (plan, found) = match job.target {
            RenderTarget::Film(film) => {
                let film_run = FilmRun { media, tools, profile: job.profile, limits: *limits };
                film_run.check_disk(film).await?;
                let prepared = planner.film(film).await?;
                let plan = Box::pin(film_run.run(film, prepared, &file)).await?;
                let found = self.checked(&plan, &file).await?;
                (plan, found)
            }
            RenderTarget::Asset(of) => {
                let call = planner.asset(of).await?;
                Box::pin(self.decode(call, planner.further_back().asset(of), &file)).await?
            }
            RenderTarget::Timeline(composition) => {
                let call = planner.timeline(composition).await?;
                Box::pin(self.decode(call, planner.further_back().timeline(composition), &file)).await?
            }
        };
        self.register(job, RenderedFile { plan, file, found }).await
    }

    /// Runs one call of ffmpeg. If frames are missing, because decoding could not begin at the frame that the source declares
    /// as a keyframe, runs the call of `further_back`: what is still missing then is damaged.
    async fn decode(
        &self,
        call: PreparedCall,
        further_back: impl Future<Output = Result<PreparedCall, Error>>,
        file: &ScratchFile,
    ) -> Result<(Plan, ProbedSource), Error> {
        let arguments = call.plan.arguments.clone();
        let attempts = async {
            let first = self.attempt(call, file).await;
            let is_incomplete = match &first {
                Ok((_, found)) => begins_late(found),
                Err(error) => matches!(error, Error::UndecodableMedia(_)),
            };
            if !is_incomplete {
                return first;
            }
            let call = further_back.await?;
            // The same arguments: the source has been decoded from its beginning.
            if call.plan.arguments == arguments { first } else { self.attempt(call, file).await }
        };
        let limit = self.0.limits.time;
        let program = || self.0.tools.ffmpeg.display().to_string();
        let done = tokio::time::timeout(limit, Box::pin(attempts)).await;
        done.unwrap_or_else(|_| Err(ToolError::TimedOut { program: program(), limit }.into()))
    }

    /// Runs one call of ffmpeg, and checks its file.
    async fn attempt(&self, call: PreparedCall, file: &ScratchFile) -> Result<(Plan, ProbedSource), Error> {
        let plan = self.run(call, file).await?;
        let found = self.checked(&plan, file).await?;
        Ok((plan, found))
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
    async fn checked(&self, plan: &Plan, file: &ScratchFile) -> Result<ProbedSource, Error> {
        let tools = &self.0.tools;
        let found =
            tools.prober.probe(file.path(), Container::MOV, None).await.map_err(|error| match error {
                Error::UndecodableMedia(_) => Error::BadOutput("it is not an MP4 or MOV file".to_owned()),
                error => error,
            })?;
        // ffmpeg skips packets that it cannot decode, and ends without an error at the end of a truncated file.
        let shortest = plan.end - plan.start - truncation::SLACK;
        let missing = match (&found.video, &found.audio) {
            (None, _) => Some("no frame of its video can be decoded"),
            (_, None) => Some("none of its audio can be decoded"),
            _ if found.duration.is_none_or(|duration| duration < shortest) => {
                Some("video and audio end early")
            }
            _ => None,
        };
        match missing {
            Some(missing) => Err(Error::UndecodableMedia(format!(
                "the source is damaged or truncated inside the window: {missing}"
            ))),
            None => Ok(found),
        }
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

/// Whether the first frames of a window are missing in its file, which otherwise begins with a frame.
fn begins_late(found: &ProbedSource) -> bool {
    let start = found.video.as_ref().and_then(|video| video.info.start);
    start.is_some_and(|start| start > FileTime::ZERO + LATEST_START)
}
