//! The timeline's view of the media store: connects slices that do not depend on each other.

use std::collections::HashMap;

use media_time::MediaTime;
use primitives::{Id, Scope};
use sqlx::PgPool;
use video_timeline::{Error, MediaCatalogue};

/// The assets and artifacts of this process's media_v2, with the origins of the artifacts.
#[derive(Debug)]
pub(crate) struct StoredMedia(pub(crate) PgPool);

#[async_trait::async_trait]
impl MediaCatalogue for StoredMedia {
    async fn durations(&self, scope: &Scope, assets: &[Id]) -> Result<HashMap<Id, Option<MediaTime>>, Error> {
        let mut conn = self.0.acquire().await?;
        let found = media_v2::store::find_assets(&mut conn, scope, assets).await.map_err(failed)?;
        Ok(found.into_iter().map(|asset| (asset.id, asset.duration)).collect())
    }

    async fn assets_of(&self, scope: &Scope, artifacts: &[Id]) -> Result<HashMap<Id, Vec<Id>>, Error> {
        let mut conn = self.0.acquire().await?;
        let found = media_v2::store::find_artifacts(&mut conn, scope, artifacts).await.map_err(failed)?;
        let ids: Vec<Id> = found.iter().map(|artifact| artifact.id.clone()).collect();
        let origins = match audio_to_video_origin::store::resolve_each_origin(&mut conn, scope, &ids).await {
            Ok(origins) => origins,
            Err(audio_to_video_origin::Error::Database(error)) => return Err(error.into()),
            // A graph too large to resolve has no origins.
            Err(_) => Vec::new(),
        };
        let mut origins = origins.into_iter();
        let assets = found.into_iter().map(|artifact| {
            // Without an origin map, the artifact's metadata may declare its source.
            let declared = artifact.meta.get("source_asset_id").and_then(|id| id.as_str()?.parse().ok());
            // A chain with an error has no origin.
            let resolved = origins.next().and_then(Result::ok).flatten();
            let origin = resolved.map(|resolved| resolved.origin.asset_id).or(declared);
            (artifact.id, [artifact.parent_asset_id].into_iter().chain(origin).collect())
        });
        Ok(assets.collect())
    }
}

/// Converts errors of looking up ids, of which only those of the database can occur.
fn failed(error: media_v2::MediaError) -> Error {
    match error {
        media_v2::MediaError::Database(error) => Error::Database(error),
        other => Error::Database(sqlx::Error::Protocol(other.to_string())),
    }
}
