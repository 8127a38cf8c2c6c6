use std::collections::BTreeSet;
use std::sync::Arc;

use audio_to_video_origin::OriginMap;
use audio_to_video_origin::store::find_origin_maps;
use http_kit::RequestContext;
use media_time::AssetTime;
use media_v2::store::{Lineage, find_assets, find_lineage};
use media_v2::{MediaError, MediaService};
use primitives::{Id, Page, PageLimit, PageParams};
use video_timeline::{Clip, ClipFilter, MAX_ARTIFACTS, Paging, VideoTimeline};

use crate::cursor::{UsageKey, clips_after, cursor_of};
use crate::{ArtifactLineage, Direction, Error, Usage, UsageKind, UsageQuery, graph, store};

/// Finds lineages of artifacts and uses of recordings. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lineages {
    media: MediaService,
    timeline: Arc<dyn VideoTimeline>,
}

impl Lineages {
    /// Creates the service on a media store and a local or remote timeline.
    #[must_use]
    pub fn new(media: MediaService, timeline: Arc<dyn VideoTimeline>) -> Self {
        Self { media, timeline }
    }

    /// The derivation graph of an artifact in one direction, with origins and clips: a constant number of statements,
    /// and one call to the timeline.
    ///
    /// # Errors
    /// [`MediaError::ArtifactsNotFound`]; errors of the timeline and of the database.
    pub async fn lineage(
        &self,
        context: &RequestContext,
        artifact_id: Id,
        direction: Direction,
    ) -> Result<ArtifactLineage, Error> {
        let (lineage, origin_maps) = self.graph(context, &artifact_id, direction).await?;
        let (shown, clips_truncated) = self.clips_of(context, &lineage).await?;
        let clips = graph::clips(&lineage, shown);
        Ok(ArtifactLineage { artifact_id, direction, lineage, origin_maps, clips, clips_truncated })
    }

    async fn graph(
        &self,
        context: &RequestContext,
        artifact_id: &Id,
        direction: Direction,
    ) -> Result<(Lineage, Vec<OriginMap>), Error> {
        let (scope, mut conn) = (&context.scope, self.media.pool().acquire().await?);
        let up = direction == Direction::Up;
        let mut lineage = find_lineage(&mut conn, scope, artifact_id, up)
            .await?
            .ok_or_else(|| MediaError::artifact_not_found(artifact_id))?;
        let ids: Vec<Id> = lineage.artifacts.iter().map(|node| node.artifact.id.clone()).collect();
        let origin_maps = find_origin_maps(&mut conn, scope, &ids).await?;
        let known: BTreeSet<&Id> = lineage.assets.iter().map(|asset| &asset.id).collect();
        let further: BTreeSet<&Id> = origin_maps.iter().map(|map| &map.parent_asset_id).collect();
        let further: Vec<Id> = further.difference(&known).copied().cloned().collect();
        lineage.assets.extend(find_assets(&mut conn, scope, &further).await?);
        lineage.assets.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok((lineage, origin_maps))
    }

    /// The clips that represent the nearest artifacts, and whether there may be more.
    async fn clips_of(
        &self,
        context: &RequestContext,
        lineage: &Lineage,
    ) -> Result<(Vec<Clip>, bool), Error> {
        let nearest = lineage.artifacts.iter().take(MAX_ARTIFACTS).map(|node| node.artifact.id.clone());
        let filter = ClipFilter::Artifacts(nearest.collect());
        let paging = Paging { limit: PageLimit::MAX, cursor: None };
        let page = self.timeline.list_clips(context, &filter, &paging).await?;
        let more = page.next_cursor.is_some() || lineage.artifacts.len() > MAX_ARTIFACTS;
        Ok((page.items, more))
    }

    /// A page of the uses of a window of a recording, by start of the used window, then by kind, then by id: three
    /// statements, one of them the timeline's.
    ///
    /// # Errors
    /// [`MediaError::AssetsNotFound`]; [`Error::InvalidQuery`], [`Error::Page`]; errors of the timeline and of
    /// the database.
    pub async fn usages(
        &self,
        context: &RequestContext,
        asset_id: &Id,
        query: &UsageQuery,
    ) -> Result<Page<Usage>, Error> {
        let (start, end) = window(query)?;
        let PageParams { limit, after } = PageParams::<UsageKey>::new(query.limit, query.cursor.as_deref())?;
        self.media.asset(&context.scope, asset_id).await?;
        let mut uses = {
            let mut conn = self.media.pool().acquire().await?;
            let one_more = limit.with_next_row();
            store::find_uses(&mut conn, &context.scope, asset_id, (start, end), after.as_ref(), one_more)
                .await?
        };
        let filter = ClipFilter::Showing { asset_id: asset_id.clone(), start, end };
        let paging = after.map_or(Paging { limit, cursor: None }, |cursor| clips_after(&cursor, limit));
        let clips = self.timeline.list_clips(context, &filter, &paging).await?;
        let more_clips = clips.next_cursor.is_some();
        uses.extend(clips.items.into_iter().map(Usage::from));
        Ok(page(uses, limit, more_clips))
    }
}

/// Merges two ordered listings. The sort is stable and ignores ids: the listings have different kinds, and their ids
/// remain in the database's order.
fn page(mut uses: Vec<Usage>, limit: PageLimit, more: bool) -> Page<Usage> {
    uses.sort_by_key(|usage| (usage.start, usage.kind.as_str()));
    Page::merged(uses, limit, more, cursor_of)
}

fn window(query: &UsageQuery) -> Result<(AssetTime, Option<AssetTime>), Error> {
    let start = query.start.unwrap_or(AssetTime::ZERO);
    if start.is_negative() {
        return Err(Error::InvalidQuery { parameter: "start_ms", detail: "expected 0 or later" });
    }
    if query.end.is_some_and(|end| end <= start) {
        return Err(Error::InvalidQuery { parameter: "end_ms", detail: "expected a time after start_ms" });
    }
    Ok((start, query.end))
}

impl From<Clip> for Usage {
    fn from(clip: Clip) -> Self {
        Self {
            kind: UsageKind::Clip,
            id: clip.id,
            start: clip.in_point,
            end: clip.out_point,
            track_id: Some(clip.track_id),
            artifact_id: clip.artifact_id,
        }
    }
}
