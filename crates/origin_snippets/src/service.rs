use std::collections::BTreeMap;
use std::sync::Arc;

use http_kit::{Problem, RequestContext};
use media_time::{AssetTime, Window};
use media_v2::{MediaAsset, MediaError};
use primitives::{Clock, Id, PageParams, Scope, WriteSeed};
use sqlx::{PgConnection, PgPool};
use tracing::Instrument as _;
use video_render::{Profile, Renderer};
use video_timeline::{CreatedTimeline, TimelineCompanion, VideoTimeline};

use crate::plan::{Plan, Planned, plan};
use crate::write::{Batch, RenderOutcome};
use crate::{BatchRequest, BatchResult, Error, Mode, listing, store};

/// Makes and lists snippets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OriginSnippets {
    pool: PgPool,
    timeline: Arc<dyn VideoTimeline>,
    renderer: Renderer,
    clock: Arc<dyn Clock>,
}

impl OriginSnippets {
    /// Creates a service on a migrated database, a timeline and a renderer.
    #[must_use]
    pub fn new(
        pool: PgPool,
        timeline: Arc<dyn VideoTimeline>,
        renderer: Renderer,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { pool, timeline, renderer, clock }
    }

    /// Makes the snippets of a batch: windows, then renders if requested, then clips. See the [crate] for the behaviour
    /// after a crash.
    ///
    /// # Errors
    /// See [`Error`]; nothing was written then, except renders, which a retry finds.
    pub async fn batch(&self, context: &RequestContext, request: BatchRequest) -> Result<BatchResult, Error> {
        request.check()?;
        let profile = request.render_profile.as_deref().unwrap_or(Profile::DEFAULT);
        let profile = Profile::named(profile).map_err(video_render::Error::from)?;
        if request.items.is_empty() {
            return self.without_clips(context, &request).await;
        }
        if request.mode == Mode::RenderClips {
            self.renderer.version().await?;
        }
        let Plan { planned, empty } = {
            let mut conn = self.pool.acquire().await?;
            plan(&mut conn, &context.scope, &request.items).await?
        };
        let mut result = if planned.is_empty() {
            self.without_clips(context, &request).await?
        } else {
            self.make(context, Batch { request, profile, planned, renders: Vec::new() }).await?
        };
        result.insert(empty);
        Ok(result)
    }

    /// The result of a batch without clips, for which no timeline is created. Its project must exist all the same.
    async fn without_clips(
        &self,
        context: &RequestContext,
        request: &BatchRequest,
    ) -> Result<BatchResult, Error> {
        if let Some(project_id) = &request.attach_to_project_id {
            self.timeline.get_project(context, project_id).await?;
        }
        Ok(BatchResult::empty(request.mode))
    }

    /// Makes the snippets of the windows that are not empty.
    async fn make(&self, context: &RequestContext, mut batch: Batch) -> Result<BatchResult, Error> {
        if let Some(result) = self.made_before(context, batch.request.mode).await? {
            return Ok(result);
        }
        if batch.request.mode == Mode::RenderClips {
            // Renders take minutes, so an unusable project is rejected before them.
            if let Some(project_id) = &batch.request.attach_to_project_id {
                self.timeline.get_project(context, project_id).await?;
            }
            scheduling::begin_heavy_work().map_err(video_render::Error::from)?;
            batch.renders = self.render(context, &batch.planned, batch.profile).await;
        }
        self.write(context, batch).await
    }

    /// The batch that an earlier attempt of this write committed before its process died.
    async fn made_before(&self, context: &RequestContext, mode: Mode) -> Result<Option<BatchResult>, Error> {
        let Some(seed) = WriteSeed::current() else { return Ok(None) };
        let mut conn = self.pool.acquire().await?;
        // The first clip of the batch. A remote timeline assigns its own ids, and replays its response by its key.
        let snippets = store::batch_of(&mut conn, &context.scope, &seed.id("clip", 0)).await?;
        Ok((!snippets.is_empty()).then(|| listing::batch(snippets, mode)))
    }

    /// Lists the snippets that were made of an artifact, newest first.
    ///
    /// # Errors
    /// [`MediaError::ArtifactsNotFound`], or a database error.
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

    /// Renders each distinct window once; returns an outcome for each item.
    async fn render(
        &self,
        context: &RequestContext,
        planned: &[Planned],
        profile: &'static Profile,
    ) -> Vec<RenderOutcome> {
        let mut windows: Vec<(MediaAsset, Window<AssetTime>)> = Vec::new();
        let mut indices: BTreeMap<(&Id, Window<AssetTime>), usize> = BTreeMap::new();
        let of_item: Vec<usize> = planned
            .iter()
            .map(|planned| {
                *indices.entry((&planned.asset.id, planned.window)).or_insert_with(|| {
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
        of_item.into_iter().map(|index| outcomes[index].clone()).collect()
    }

    /// Writes timeline and snippets in one transaction, or in two with a remote timeline. It runs in a separate task,
    /// so that a client's disconnect between the two leaves no timeline without its snippets.
    async fn write(&self, context: &RequestContext, batch: Batch) -> Result<BatchResult, Error> {
        let (this, context) = (self.clone(), context.clone());
        let writing = async move {
            let mut snippets =
                Snippets { service: &this, scope: &context.scope, batch: &batch, result: None };
            let new = batch.new_timeline();
            let made = this.timeline.create_timeline_with(&context, new, &mut snippets).await;
            match (made, snippets.result) {
                (_, Some(Err(error))) => Err(error),
                (Err(error), _) => Err(error.into()),
                (Ok(_), Some(Ok(result))) => Ok(result),
                // The timeline existed already: a retry ran while the first attempt committed.
                (Ok(_), None) => this
                    .made_before(&context, batch.request.mode)
                    .await?
                    .ok_or(Error::Database(sqlx::Error::RowNotFound)),
            }
        };
        tokio::spawn(WriteSeed::scope(WriteSeed::current(), writing).in_current_span()).await?
    }
}

/// Registers the snippets of a batch together with its timeline.
struct Snippets<'a> {
    service: &'a OriginSnippets,
    scope: &'a Scope,
    batch: &'a Batch,
    result: Option<Result<BatchResult, Error>>,
}

impl Snippets<'_> {
    async fn register(
        &self,
        transaction: Option<&mut PgConnection>,
        made: &CreatedTimeline,
    ) -> Result<BatchResult, Error> {
        let now = self.service.clock.now();
        if let Some(transaction) = transaction {
            return self.batch.register(transaction, self.scope, now, made).await;
        }
        let mut transaction = self.service.pool.begin().await?;
        // A remote timeline replays the first attempt's timeline on a retry; that attempt may have committed its
        // snippets.
        if let Some(first) = made.clips.first() {
            let before = store::batch_of(&mut transaction, self.scope, &first.id).await?;
            if !before.is_empty() {
                let order: Vec<&Id> = made.clips.iter().map(|clip| &clip.id).collect();
                return Ok(listing::batch(store::in_order(before, &order), self.batch.request.mode));
            }
        }
        let result = self.batch.register(&mut transaction, self.scope, now, made).await?;
        transaction.commit().await?;
        Ok(result)
    }
}

#[async_trait::async_trait]
impl TimelineCompanion for Snippets<'_> {
    async fn write(
        &mut self,
        transaction: Option<&mut PgConnection>,
        made: &CreatedTimeline,
    ) -> Result<(), video_timeline::Error> {
        let registered = self.register(transaction, made).await;
        let is_done = registered.is_ok();
        self.result = Some(registered);
        if is_done { Ok(()) } else { Err(video_timeline::Error::CompanionFailed) }
    }
}

/// Code and detail of the error's problem; the cause is logged.
fn refusal(error: video_render::Error, asset: &MediaAsset, window: Window<AssetTime>) -> String {
    let (asset_id, start, end) = (&asset.id, window.start(), window.end());
    tracing::warn!(%asset_id, %start, %end, error = &error as &dyn std::error::Error, "a window was not rendered");
    let problem = Problem::from(error);
    format!("{}: {}", problem.code(), problem.detail())
}
