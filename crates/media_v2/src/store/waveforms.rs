use blob_store::BlobId;
use chrono::{DateTime, Utc};
use primitives::Scope;
use sqlx::PgConnection;

use crate::MediaError;
use crate::waveform_key::WaveformKey;

/// The blob of the cached peaks of this owner's recording.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn find_waveform(
    conn: &mut PgConnection,
    scope: &Scope,
    key: &WaveformKey,
) -> Result<Option<BlobId>, MediaError> {
    let found = sqlx::query_scalar!(
        "-- media_v2::find_waveform
         SELECT blob_sha256 FROM waveforms
         WHERE tenant_id = $1 AND env = $2 AND source_key = $3 AND samples_per_pixel = $4
           AND split_channels = $5 AND rule = $6",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        key.source,
        key.params.samples_per_pixel.cast_signed(),
        key.params.split_channels,
        key.rule,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.and_then(|sha256| BlobId::from_uri(&format!("blob://sha256/{sha256}")).ok()))
}

/// Stores the blob of the peaks, at `now`. An existing row with the same key is updated only if its blob differs, as
/// after the loss of a blob.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn insert_waveform(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    key: &WaveformKey,
    blob: BlobId,
) -> Result<(), MediaError> {
    sqlx::query!(
        "-- media_v2::insert_waveform
         INSERT INTO waveforms (tenant_id, env, source_key, samples_per_pixel, split_channels, rule, blob_sha256,
             created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (tenant_id, env, source_key, samples_per_pixel, split_channels, rule)
         DO UPDATE SET blob_sha256 = excluded.blob_sha256, created_at = excluded.created_at
         WHERE waveforms.blob_sha256 <> excluded.blob_sha256",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        key.source,
        key.params.samples_per_pixel.cast_signed(),
        key.params.split_channels,
        key.rule,
        blob.to_hex(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
