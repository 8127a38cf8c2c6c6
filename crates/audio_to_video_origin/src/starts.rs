//! Start times of artifacts in assets, for the timelines of clips.

use audio_semantic_timeline::{ArtifactOrigins, Error};
use media_time::AssetTime;
use media_v2::Artifact;
use primitives::{Id, Scope};

use crate::store::resolve_origins;
use crate::{DeclaredFields, ResolvedOrigin, VideoOrigins};

#[async_trait::async_trait]
impl ArtifactOrigins for VideoOrigins {
    async fn start_in(
        &self,
        scope: &Scope,
        artifact_id: &Id,
        asset_id: &Id,
    ) -> Result<Option<AssetTime>, Error> {
        let mut conn = self.media().pool().acquire().await?;
        let resolved = match resolve_origins(&mut conn, scope, std::slice::from_ref(artifact_id)).await {
            Ok(resolved) => resolved.into_iter().next().flatten(),
            Err(crate::Error::Database(error)) => return Err(error.into()),
            // A chain without an origin, such as a cycle.
            Err(_) => None,
        };
        if let Some(ResolvedOrigin { origin, .. }) =
            resolved.filter(|found| found.origin.asset_id == *asset_id)
        {
            return Ok(origin.clip_offsets.is_none().then_some(origin.window.start()));
        }
        let artifact = media_v2::store::find_artifact(&mut conn, scope, artifact_id).await?;
        Ok(artifact.and_then(|artifact| own_start(&artifact, asset_id)))
    }
}

/// The start by the artifact's own row, in the recording that its meta names or in its parent. A missing start is 0.
fn own_start(artifact: &Artifact, asset_id: &Id) -> Option<AssetTime> {
    let declared = DeclaredFields {
        parent_asset_id: &artifact.parent_asset_id,
        start: artifact.start,
        end: artifact.end,
        source_asset_id: artifact.meta.get("source_asset_id"),
        source_start_ms: artifact.meta.get("source_start_ms"),
        source_end_ms: artifact.meta.get("source_end_ms"),
    };
    if let Some(own) = declared.origin().ok().filter(|own| own.asset_id == *asset_id) {
        return Some(own.start.unwrap_or_default());
    }
    (artifact.parent_asset_id == *asset_id).then(|| artifact.start.unwrap_or_default())
}
