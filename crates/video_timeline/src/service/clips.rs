use http_kit::RequestContext;
use media_time::AssetTime;
use primitives::{Id, Page, Scope, WriteSeed};
use sqlx::PgConnection;

use super::TimelineService;
use super::records::find;
use crate::client::{ClipFilter, MAX_ARTIFACTS};
use crate::error::{Entity, Error};
use crate::model::{
    Clip, ClipPatch, MoveClip, NewClip, Sequence, SplitClip, SplitResult, Track, TrimClip, clip_pointer,
    clips_on_track,
};
use crate::page::{Paging, position};
use crate::store::record::Record as _;
use crate::store::{clip_lists, clips};

impl TimelineService {
    pub(crate) async fn create_clip(
        &self,
        context: &RequestContext,
        track_id: &Id,
        new: NewClip,
    ) -> Result<Clip, Error> {
        let clip = new.on_track(track_id.clone(), 0);
        clip.check("")?;
        if self.were_made(context, std::slice::from_ref(&clip)).await? {
            return Ok(clip);
        }
        self.check_media(&context.scope, std::slice::from_ref(&clip), body).await?;
        let mut connection = self.pool.acquire().await?;
        clips::insert_all(&mut connection, &context.scope, track_id, std::slice::from_ref(&clip)).await?;
        Ok(clip)
    }

    /// Creates all clips or none.
    pub(crate) async fn create_clips(
        &self,
        context: &RequestContext,
        track_id: &Id,
        new: Vec<NewClip>,
    ) -> Result<Vec<Clip>, Error> {
        let clips = clips_on_track(new, track_id)?;
        if self.were_made(context, &clips).await? {
            return Ok(clips);
        }
        self.check_media(&context.scope, &clips, clip_pointer).await?;
        let mut connection = self.pool.acquire().await?;
        // An empty list violates no foreign key, so the track is looked up.
        find::<Track>(&mut connection, &context.scope, track_id).await?;
        clips::insert_all(&mut connection, &context.scope, track_id, &clips).await?;
        Ok(clips)
    }

    /// Whether an earlier attempt of this write created these clips before its process died. All are created at once.
    pub(super) async fn were_made(&self, context: &RequestContext, clips: &[Clip]) -> Result<bool, Error> {
        let (Some(_), Some(first)) = (WriteSeed::current(), clips.first()) else { return Ok(false) };
        let mut connection = self.pool.acquire().await?;
        Ok(Clip::find(&mut connection, &context.scope, &first.id).await?.is_some())
    }

    /// Clips ordered by start on the timeline, or for a window by start in the asset.
    pub(crate) async fn clips(
        &self,
        context: &RequestContext,
        filter: &ClipFilter,
        paging: &Paging,
    ) -> Result<Page<Clip>, Error> {
        let (page, scope) = (paging.in_order()?, &context.scope);
        let mut connection = self.pool.acquire().await?;
        let rows = match filter {
            ClipFilter::Track(id) => {
                find::<Track>(&mut connection, scope, id).await?;
                clip_lists::of_track(&mut connection, scope, id, &page).await?
            }
            ClipFilter::Sequence(id) => {
                find::<Sequence>(&mut connection, scope, id).await?;
                clip_lists::of_sequence(&mut connection, scope, id, &page).await?
            }
            ClipFilter::Asset(id) => clip_lists::of_asset(&mut connection, scope, id, &page).await?,
            ClipFilter::Artifact(id) => {
                clip_lists::of_artifacts(&mut connection, scope, std::slice::from_ref(id), &page).await?
            }
            ClipFilter::Artifacts(ids) => {
                check_artifacts(ids)?;
                clip_lists::of_artifacts(&mut connection, scope, ids, &page).await?
            }
            ClipFilter::Showing { asset_id, start, end } => {
                let rows = clip_lists::showing(&mut connection, scope, asset_id, *start, *end, &page).await?;
                return Ok(Page::from_rows(rows, page.limit, |clip| {
                    position(clip.in_point.as_micros(), &clip.id)
                }));
            }
        };
        Ok(Page::from_rows(rows, page.limit, |clip| position(clip.timeline_start.as_micros(), &clip.id)))
    }

    pub(crate) async fn update_clip(
        &self,
        context: &RequestContext,
        id: &Id,
        patch: ClipPatch,
    ) -> Result<Clip, Error> {
        // Unchanged fields are not checked against the media: the clip may predate the check.
        let refers = patch.asset_id.is_some() || patch.artifact_id.is_some() || patch.out_point.is_some();
        let change = |clip: &Clip| {
            let patched = patch.clone().apply(clip.clone());
            patched.check("")?;
            Ok(patched)
        };
        if refers {
            self.change_source(context, id, change).await
        } else {
            self.change_clip(context, id, change).await
        }
    }

    pub(crate) async fn trim_clip(
        &self,
        context: &RequestContext,
        id: &Id,
        trim: &TrimClip,
    ) -> Result<Clip, Error> {
        let change = |clip: &Clip| trim.apply(clip);
        if trim.out_point.is_some() {
            self.change_source(context, id, change).await
        } else {
            self.change_clip(context, id, change).await
        }
    }

    pub(crate) async fn move_clip(
        &self,
        context: &RequestContext,
        id: &Id,
        to: &MoveClip,
    ) -> Result<Clip, Error> {
        self.change_clip(context, id, |clip| to.apply(clip)).await
    }

    pub(crate) async fn split_clip(
        &self,
        context: &RequestContext,
        id: &Id,
        split: &SplitClip,
    ) -> Result<SplitResult, Error> {
        let mut transaction = self.pool.begin().await?;
        let clip = lock(&mut transaction, &context.scope, id).await?;
        if let Some(seed) = WriteSeed::current()
            && let Some(right) = Clip::find(&mut transaction, &context.scope, &seed.id("clip", 0)).await?
        {
            return Ok(SplitResult { left: clip, right });
        }
        let pieces = split.apply(&clip)?;
        clips::update(&mut transaction, &context.scope, &pieces.left).await?;
        let right = std::slice::from_ref(&pieces.right);
        clips::insert_all(&mut transaction, &context.scope, &clip.track_id, right).await?;
        transaction.commit().await?;
        Ok(pieces)
    }

    /// Changes the source of a clip and checks it against the media. The check runs before the clip is locked, because
    /// it uses connections of its own; it is repeated if another call changed the clip meanwhile.
    async fn change_source(
        &self,
        context: &RequestContext,
        id: &Id,
        change: impl Fn(&Clip) -> Result<Clip, Error> + Send + Sync,
    ) -> Result<Clip, Error> {
        loop {
            let read: Clip = self.get(context, id).await?;
            self.check_media(&context.scope, &[change(&read)?], body).await?;
            let mut transaction = self.pool.begin().await?;
            let clip = lock(&mut transaction, &context.scope, id).await?;
            if played(&clip) == played(&read) {
                let changed = change(&clip)?;
                clips::update(&mut transaction, &context.scope, &changed).await?;
                transaction.commit().await?;
                return Ok(changed);
            }
        }
    }

    /// Reads, changes and writes a clip atomically.
    async fn change_clip(
        &self,
        context: &RequestContext,
        id: &Id,
        change: impl FnOnce(&Clip) -> Result<Clip, Error> + Send,
    ) -> Result<Clip, Error> {
        let mut transaction = self.pool.begin().await?;
        let clip = lock(&mut transaction, &context.scope, id).await?;
        let changed = change(&clip)?;
        clips::update(&mut transaction, &context.scope, &changed).await?;
        transaction.commit().await?;
        Ok(changed)
    }
}

/// Reads a clip and locks it until the transaction ends.
async fn lock(connection: &mut PgConnection, scope: &Scope, id: &Id) -> Result<Clip, Error> {
    clips::lock(connection, scope, id).await?.ok_or_else(|| Error::not_found(Entity::Clip, id))
}

/// JSON pointer for a body that is itself a clip.
fn body(_index: usize) -> String {
    String::new()
}

/// The fields of a clip that are checked against the media.
fn played(clip: &Clip) -> (&Id, Option<&Id>, AssetTime) {
    (&clip.asset_id, clip.artifact_id.as_ref(), clip.out_point)
}

fn check_artifacts(ids: &[Id]) -> Result<(), Error> {
    if (1..=MAX_ARTIFACTS).contains(&ids.len()) {
        return Ok(());
    }
    let detail = format!("expected 1 to {MAX_ARTIFACTS} ids");
    Err(Error::InvalidQuery { parameter: "artifact_ids".to_owned(), detail })
}
