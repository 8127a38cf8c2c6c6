//! The timeline's view of the media store: two slices that know nothing of each other meet here.

use http_kit::{Id, Scope};
use sqlx::PgPool;
use video_timeline::{Error, MediaCatalogue};

/// The assets and artifacts of this process's media_v2.
#[derive(Debug)]
pub(crate) struct StoredMedia(pub(crate) PgPool);

#[async_trait::async_trait]
impl MediaCatalogue for StoredMedia {
    async fn missing_assets(&self, scope: &Scope, assets: &[Id]) -> Result<Vec<String>, Error> {
        let mut conn = self.0.acquire().await?;
        media_v2::store::missing_assets(&mut conn, scope, assets).await.map_err(failed)
    }

    async fn missing_artifacts(&self, scope: &Scope, artifacts: &[Id]) -> Result<Vec<String>, Error> {
        let mut conn = self.0.acquire().await?;
        media_v2::store::missing_artifacts(&mut conn, scope, artifacts).await.map_err(failed)
    }
}

/// Looking up ids can fail in the database only.
fn failed(error: media_v2::MediaError) -> Error {
    match error {
        media_v2::MediaError::Database(error) => Error::Database(error),
        other => Error::Database(sqlx::Error::Protocol(other.to_string())),
    }
}
