use media_decode::PROBER_VERSION;
use media_time::MediaTime;
use primitives::{Id, Scope};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::assets::{Row, select};
use crate::{AssetDecoder, AudioStream, MediaAsset, MediaError, Meta, StartTimecode};

/// Updates the probed properties in the row of `asset`, if the row still has `read_version`, that is, if no other probe
/// has updated it. A decoder that an analysis has set meanwhile stays.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn renew_asset(
    conn: &mut PgConnection,
    asset: &MediaAsset,
    read_version: i32,
) -> Result<(), MediaError> {
    sqlx::query!(
        "-- media_v2::renew_asset
         UPDATE media_assets
         SET kind = $4, duration_us = $5, fps = $6, audio_channels = $7, sample_rate = $8, codec_info = $9,
             meta = meta || jsonb_build_object('media_type', $10::text), prober_version = $11,
             start_timecode = $14, audio_streams = $15, decoder = CASE WHEN decoder = 'ffmpeg' THEN decoder ELSE $12 END
         WHERE tenant_id = $1 AND env = $2 AND id = $3 AND prober_version = $13",
        asset.tenant_id.as_str(),
        asset.env.as_str(),
        asset.id.as_str(),
        asset.kind.as_str(),
        asset.duration.map(MediaTime::as_micros),
        asset.fps,
        asset.audio_channels.map(u32::cast_signed),
        asset.sample_rate.map(u32::cast_signed),
        asset.codec_info,
        asset.content().media_type,
        asset.prober_version,
        asset.decoder.map(AssetDecoder::as_str),
        read_version,
        asset.start_timecode.map(Json) as _,
        Json(&asset.audio_streams) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores the decoder of an asset.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn set_decoder(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    decoder: AssetDecoder,
) -> Result<(), MediaError> {
    sqlx::query!(
        "-- media_v2::set_decoder
         UPDATE media_assets SET decoder = $4 WHERE tenant_id = $1 AND env = $2 AND id = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        decoder.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next assets after `after`, of all owners, ordered by owner and id: those of an older prober, or all assets with
/// `all`.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn assets_to_reprobe(
    conn: &mut PgConnection,
    after: Option<&MediaAsset>,
    all: bool,
    limit: i64,
) -> Result<Vec<MediaAsset>, MediaError> {
    let [tenant_id, env, id] =
        after.map_or([""; 3], |after| [after.tenant_id.as_str(), after.env.as_str(), after.id.as_str()]);
    select!(
        "assets_to_reprobe",
        "WHERE (tenant_id, env, id) > ($1, $2, $3) AND ($4 OR prober_version < $5)
         ORDER BY tenant_id, env, id LIMIT $6",
        tenant_id,
        env,
        id,
        all,
        PROBER_VERSION,
        limit,
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|row| row.try_into().map_err(MediaError::from))
    .collect()
}
