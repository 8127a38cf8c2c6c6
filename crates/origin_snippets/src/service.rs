use std::collections::BTreeMap;
use std::sync::Arc;

use http_kit::{Clock, Id, PageParams, Problem, RequestContext, Scope};
use media_time::Window;
use media_v2::{MediaAsset, MediaError};
use sqlx::PgPool;
use tracing::Instrument as _;
use video_render::{Profile, Rendered, Renderer};
use video_timeline::{CreatedTimeline, VideoTimeline};

use crate::plan::{Planned, plan};
use crate::write::Batch;
use crate::{BatchRequest, BatchResult, Error, Mode, listing, store};

/// Makes snippets, and finds those that were made. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OriginSnippets {
    pool: PgPool,
    timeline: Arc<dyn VideoTimeline>,
    renderer: Renderer,
    clock: Arc<dyn Clock>,
}

/// What became of the render of a window: the renderer's answer, or its refusal as a caller may read it.
pub(crate) type RenderOutcome = Result<Rendered, String>;

impl OriginSnippets {
    /// A service over a migrated database, a timeline and a renderer.
    #[must_use]
    pub fn new(
        pool: PgPool,
        timeline: Arc<dyn VideoTimeline>,
        renderer: Renderer,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { pool, timeline, renderer, clock }
    }

    /// The snippets of a batch: windows, then renders if asked for, then clips. See the [crate] for what a
    /// crash leaves.
    ///
    /// # Errors
    /// See [`Error`]; nothing was made then, but for renders that a retry finds.
    pub async fn batch(&self, context: &RequestContext, request: BatchRequest) -> Result<BatchResult, Error> {
        request.check()?;
        let profile = request.render_profile.as_deref().unwrap_or(Profile::DEFAULT);
        let profile = Profile::named(profile).map_err(video_render::Error::from)?;
        if request.items.is_empty() {
            return Ok(BatchResult::empty(request.mode));
        }
        if request.mode == Mode::RenderClips {
            self.renderer.version().await?;
        }
        let planned = {
            let mut conn = self.pool.acquire().await?;
            plan(&mut conn, &context.scope, &request.items).await?
        };
        let mut batch = Batch { request, profile, planned, renders: Vec::new() };
        let mut timeline = None;
        if batch.request.mode == Mode::RenderClips {
            timeline = self.refuse_project_early(context, &batch).await?;
            batch.renders = self.render(context, &batch.planned, profile).await;
        }
        self.write(context, batch, timeline).await
    }

    /// The snippets that were made of an artifact, newest first.
    ///
    /// # Errors
    /// [`MediaError::ArtifactsNotFound`], or the database's.
    pub async fn for_audio(
        &self,
        scope: &Scope,
        audio_artifact_id: &Id,
        page: &PageParams,
    ) -> Result<BatchResult, Error> {
        let mut conn = self.pool.acquire().await?;
        let page = store::list_snippets(&mut conn, scope, audio_artifact_id, page).await?;
        if page.items.is_empty()
            && media_v2::store::find_artifact(&mut conn, scope, audio_artifact_id).await?.is_none()
        {
            return Err(MediaError::artifact_not_found(audio_artifact_id).into());
        }
        Ok(listing::listed(page))
    }

    /// Renders take minutes, so a project that cannot be attached to ends the batch before them. Only making
    /// a timeline tells a foreign project from an unknown one; should the project have appeared meanwhile,
    /// that timeline is the batch's.
    async fn refuse_project_early(
        &self,
        context: &RequestContext,
        batch: &Batch,
    ) -> Result<Option<CreatedTimeline>, Error> {
        let Some(project_id) = &batch.request.attach_to_project_id else { return Ok(None) };
        match self.timeline.get_project(context, project_id).await {
            Ok(_) => Ok(None),
            Err(video_timeline::Error::NotFound { .. }) => {
                Ok(Some(self.timeline.create_timeline(context, batch.new_timeline()).await?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Each window once, however many items come to it; an answer for each item.
    async fn render(
        &self,
        context: &RequestContext,
        planned: &[Planned],
        profile: &'static Profile,
    ) -> Vec<RenderOutcome> {
        let mut windows: Vec<(MediaAsset, Window)> = Vec::new();
        let mut places: BTreeMap<(&Id, Window), usize> = BTreeMap::new();
        let of_item: Vec<usize> = planned
            .iter()
            .map(|planned| {
                *places.entry((&planned.asset.id, planned.window)).or_insert_with(|| {
                    windows.push((planned.asset.clone(), planned.window));
                    windows.len() - 1
                })
            })
            .collect();
        let rendered = self.renderer.render_windows(context, &windows, profile).await;
        let outcomes: Vec<RenderOutcome> = rendered
            .into_iter()
            .zip(&windows)
            .map(|(rendered, (asset, window))| rendered.map_err(|error| refusal(error, asset, *window)))
            .collect();
        of_item.into_iter().map(|place| outcomes[place].clone()).collect()
    }

    /// Writes in a task of its own: a caller who hangs up between timeline and register leaves no timeline
    /// that nothing tells of.
    async fn write(
        &self,
        context: &RequestContext,
        batch: Batch,
        timeline: Option<CreatedTimeline>,
    ) -> Result<BatchResult, Error> {
        let (this, context) = (self.clone(), context.clone());
        let writing = async move {
            let made = match timeline {
                Some(made) => made,
                None => this.timeline.create_timeline(&context, batch.new_timeline()).await?,
            };
            let mut transaction = this.pool.begin().await?;
            let result = batch.register(&mut transaction, &context.scope, this.clock.now(), &made).await?;
            transaction.commit().await?;
            Ok(result)
        };
        tokio::spawn(writing.in_current_span()).await?
    }
}

/// Code and detail of the problem that the error would be; its cause goes to the log.
fn refusal(error: video_render::Error, asset: &MediaAsset, window: Window) -> String {
    let (asset_id, start, end) = (&asset.id, window.start(), window.end());
    tracing::warn!(%asset_id, %start, %end, error = &error as &dyn std::error::Error, "a window was not rendered");
    let problem = Problem::from(error);
    format!("{}: {}", problem.code(), problem.detail())
}
