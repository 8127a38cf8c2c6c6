//! Reprobing of assets that an older prober probed, or that were probed while ffmpeg was missing.

use media_decode::MediaInput;
use primitives::{Id, Scope};

use crate::probe_result::ProbeResult;
use crate::{AssetDecoder, MediaAsset, MediaError, MediaService, store};

/// Number of assets that are read in one statement.
const PAGE: i64 = 100;
/// Assets that one call for many assets probes again, at most; `harkback reprobe` probes all.
const MAX_REPROBES: usize = 100;

impl MediaService {
    /// The asset, probed by this version if its bytes can be read. If they cannot, or if too many probes are waiting,
    /// the row is returned unchanged.
    ///
    /// # Errors
    /// [`MediaError::AssetsNotFound`]; errors of the database.
    pub async fn asset(&self, scope: &Scope, id: &Id) -> Result<MediaAsset, MediaError> {
        let asset = self.stored_asset(scope, id).await?;
        Ok(self.renewed_or_stored(&asset).await)
    }

    /// The assets of `ids` that this owner has, ordered by id. At most a hundred of an older prober are probed again, as
    /// by [`MediaService::asset`]; further ones are returned as stored.
    ///
    /// # Errors
    /// [`MediaError::Database`].
    pub async fn assets(&self, scope: &Scope, ids: &[Id]) -> Result<Vec<MediaAsset>, MediaError> {
        let mut assets = {
            let mut conn = self.pool().acquire().await?;
            store::find_assets(&mut conn, scope, ids).await?
        };
        let mut probes_left = MAX_REPROBES;
        for asset in &mut assets {
            if asset.is_outdated() && probes_left > 0 {
                probes_left -= 1;
                *asset = self.renewed_or_stored(asset).await;
            }
        }
        Ok(assets)
    }

    /// The asset for decoding: like [`MediaService::asset`], but a full probe queue is an error, because the decoder is
    /// part of cache keys.
    ///
    /// # Errors
    /// [`MediaError::AssetsNotFound`], [`MediaError::Queue`]; errors of the database.
    pub async fn recording(&self, scope: &Scope, id: &Id) -> Result<MediaAsset, MediaError> {
        let asset = self.stored_asset(scope, id).await?;
        match self.renewed(&asset).await {
            Err(error @ (MediaError::Queue(_) | MediaError::Database(_))) => Err(error),
            Err(error) => {
                tracing::warn!(%error, asset_id = %id, "an asset of an older prober was not probed again");
                Ok(asset)
            }
            renewed => renewed,
        }
    }

    async fn stored_asset(&self, scope: &Scope, id: &Id) -> Result<MediaAsset, MediaError> {
        let mut conn = self.pool().acquire().await?;
        store::find_asset(&mut conn, scope, id).await?.ok_or_else(|| MediaError::asset_not_found(id))
    }

    async fn renewed_or_stored(&self, asset: &MediaAsset) -> MediaAsset {
        self.renewed(asset).await.unwrap_or_else(|error| {
            tracing::warn!(%error, asset_id = %asset.id, "an asset of an older prober was not probed again");
            asset.clone()
        })
    }

    async fn renewed(&self, asset: &MediaAsset) -> Result<MediaAsset, MediaError> {
        if asset.is_outdated() { self.reprobe(asset).await } else { Ok(asset.clone()) }
    }

    /// Probes the bytes of an asset and replaces the probed properties in its row.
    ///
    /// # Errors
    /// Errors of [`MediaService::open_source`]; [`MediaError::Queue`], [`MediaError::Read`]; errors of the database.
    pub async fn reprobe(&self, asset: &MediaAsset) -> Result<MediaAsset, MediaError> {
        let input = MediaInput::new(self.open_source(asset.content()).await?, self.decoders().clone());
        let probed = self.probe_queue().run(move |cancellation| ProbeResult::probe(&input, cancellation));
        let result = probed.await??;
        let mut renewed = asset.clone();
        result.renew(&mut renewed);
        if renewed == *asset {
            return Ok(renewed);
        }
        let mut conn = self.pool().acquire().await?;
        store::renew_asset(&mut conn, &renewed, asset.prober_version).await?;
        // Another probe or an analysis may have changed the row meanwhile.
        let scope = Scope { tenant_id: asset.tenant_id.clone(), env: asset.env.clone() };
        Ok(store::find_asset(&mut conn, &scope, &asset.id).await?.unwrap_or(renewed))
    }

    /// Stores the decoder that an analysis found to be correct for an asset.
    ///
    /// # Errors
    /// [`MediaError::Database`].
    pub async fn set_decoder(&self, scope: &Scope, id: &Id, decoder: AssetDecoder) -> Result<(), MediaError> {
        let mut conn = self.pool().acquire().await?;
        store::set_decoder(&mut conn, scope, id, decoder).await
    }

    /// The next assets of all owners after `after` that need reprobing, or all assets with `all`; empty at the end.
    ///
    /// # Errors
    /// [`MediaError::Database`].
    pub async fn assets_to_reprobe(
        &self,
        after: Option<&MediaAsset>,
        all: bool,
    ) -> Result<Vec<MediaAsset>, MediaError> {
        let mut conn = self.pool().acquire().await?;
        store::assets_to_reprobe(&mut conn, after, all, PAGE).await
    }
}
