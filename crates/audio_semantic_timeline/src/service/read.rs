//! Reads stored timelines, whole or cut to clips.

use std::sync::Arc;

use blob_store::BlobId;
use http_kit::RequestContext;
use media_time::{AssetTime, MediaTime, Window};
use media_v2::{Artifact, MediaError};
use primitives::{Id, Scope};
use video_timeline::Clip;

use super::SemanticTimelines;
use crate::model::{Summary, TimelineResponse};
use crate::store::{self, TimelineOf};
use crate::{Error, slice, stored};

/// Reason for timelines that are no longer selected.
const STALE: &str = "made by an earlier decoder that read this kind of file wrongly; analyze makes a new one";
/// Rounding error of a timeline's duration, which is in whole milliseconds.
const ROUNDING: MediaTime = MediaTime::from_millis(1);

/// A timeline and its artifact.
pub(super) struct StoredTimeline {
    pub(super) artifact: Artifact,
    pub(super) summary: Arc<Summary>,
}

impl StoredTimeline {
    pub(super) fn whole(self) -> TimelineResponse {
        let summary = Summary::clone(&self.summary);
        self.with(summary)
    }

    /// The response, with `summary` instead of the stored one.
    fn with(self, summary: Summary) -> TimelineResponse {
        let Artifact { id, uri, meta, .. } = self.artifact;
        TimelineResponse { artifact_id: id, uri, summary: summary.with_derived(), artifact_meta: meta }
    }
}

impl SemanticTimelines {
    /// Returns the timeline of an artifact id; `artifact_meta.stale` is set if its decoder decodes the recording
    /// incorrectly.
    ///
    /// # Errors
    /// [`Error::SemanticsNotFound`] for an unknown id, or another kind of artifact.
    pub async fn get(&self, scope: &Scope, artifact_id: &Id) -> Result<TimelineResponse, Error> {
        let stored = self.stored(scope, artifact_id).await?.whole();
        let mut response = self.name_speakers(scope, stored).await?;
        self.reprobe(scope, &response.summary.asset_id).await?;
        let mut conn = self.0.media.pool().acquire().await?;
        if media_v2::store::is_wrongly_decoded(&mut conn, scope, artifact_id).await? {
            response.artifact_meta.insert("stale".to_owned(), STALE.into());
        }
        Ok(response)
    }

    /// Reprobes the asset if an older prober measured it, so that its decoder is known.
    async fn reprobe(&self, scope: &Scope, asset_id: &Id) -> Result<(), Error> {
        match self.0.media.asset(scope, asset_id).await {
            // A timeline that is remote or was registered by a caller may name an unknown asset.
            Ok(_) | Err(MediaError::AssetsNotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The timeline of an artifact id, as stored.
    pub(super) async fn stored(&self, scope: &Scope, artifact_id: &Id) -> Result<StoredTimeline, Error> {
        let artifact = stored::find(&self.0.media, scope, artifact_id).await?;
        let summary = self.read(&artifact).await?;
        Ok(StoredTimeline { artifact, summary })
    }

    /// The timeline of a clip's source, cut to the clip's window.
    ///
    /// # Errors
    /// Errors of the timeline client; [`Error::SemanticsNotFound`] if the source was not analysed yet.
    pub async fn by_clip(&self, context: &RequestContext, clip_id: &Id) -> Result<TimelineResponse, Error> {
        let clip = self.0.timeline.get_clip(context, clip_id).await?;
        self.reprobe(&context.scope, &clip.asset_id).await?;
        let window = clip.source();
        let Some((stored, start)) = self.of_clip(&context.scope, &clip, window).await? else {
            return Err(self.without_timeline(&context.scope, clip).await?);
        };
        let summary = slice(&stored.summary, start, window, clip.speed);
        self.name_speakers(&context.scope, stored.with(summary)).await
    }

    /// The timeline of a clip, and its start in the time of the clip's asset, which is also the time of the window. The
    /// asset's own timeline is used if the artifact's does not cover the window.
    async fn of_clip(
        &self,
        scope: &Scope,
        clip: &Clip,
        window: Window<AssetTime>,
    ) -> Result<Option<(StoredTimeline, AssetTime)>, Error> {
        let of = |artifact_id| TimelineOf { asset_id: clip.asset_id.clone(), artifact_id };
        let wanted = [of(clip.artifact_id.clone()), of(None)];
        let found = {
            let mut conn = self.0.media.pool().acquire().await?;
            store::find_timelines(&mut conn, scope, &wanted).await?
        };
        let [Some(of_clip), of_asset] = found.as_slice() else { return Ok(None) };
        let response = self.stored(scope, of_clip).await?;
        let Some(artifact_id) = &response.summary.artifact_id else {
            return Ok(Some((response, AssetTime::ZERO)));
        };
        let start = self.0.origins.start_in(scope, artifact_id, &clip.asset_id).await?;
        let duration = MediaTime::from_millis(response.summary.duration_ms);
        let part = start.map(|start| Window::starting_at(start, duration + ROUNDING));
        match (part, of_asset) {
            (Some(part), _) if part.intersect(window) == Some(window) => Ok(Some((response, part.start()))),
            (_, Some(of_asset)) => Ok(Some((self.stored(scope, of_asset).await?, AssetTime::ZERO))),
            (Some(part), None) if part.intersect(window).is_some() => Ok(Some((response, part.start()))),
            _ => Ok(None),
        }
    }

    /// The error for a clip without a timeline.
    async fn without_timeline(&self, scope: &Scope, clip: Clip) -> Result<Error, Error> {
        let (clip_id, asset_id) = (clip.id, clip.asset_id);
        let mut conn = self.0.media.pool().acquire().await?;
        let assets = std::slice::from_ref(&asset_id);
        let is_stale = !store::wrongly_analysed(&mut conn, scope, assets).await?.is_empty();
        let reason = if is_stale { format!(" (the existing one was {STALE})") } else { String::new() };
        Ok(Error::SemanticsNotFound(format!(
            "clip {clip_id} has no semantic timeline yet{reason}: POST /audio/semantic-timeline/analyze with asset_id \
             {asset_id}"
        )))
    }

    /// The parsed timeline of an artifact; recently read ones are cached.
    pub(crate) async fn read(&self, artifact: &Artifact) -> Result<Arc<Summary>, Error> {
        // Only a blob is guaranteed to keep the same bytes.
        let blob = BlobId::from_uri(&artifact.uri).ok();
        if let Some(summary) = blob.and_then(|blob| self.0.parsed.get(&blob)) {
            return Ok(summary);
        }
        let (summary, text_bytes) = stored::read(&self.0.media, artifact).await?;
        let summary = Arc::new(summary);
        if let Some(blob) = blob {
            self.0.parsed.insert(blob, summary.clone(), text_bytes);
        }
        Ok(summary)
    }
}
