//! Peaks of recordings, computed once and cached as blobs.

use audio_signal::{Waveform, WaveformError, WaveformParams, waveform};
use blob_store::{BlobError, BlobId};
use media_decode::DecodeError;
use primitives::Scope;

use crate::service::MediaService;
use crate::waveform_key::WaveformKey;
use crate::{Content, MediaError, store};

/// Largest cached waveform in bytes: the header and the largest number of peaks.
const MAX_BYTES: u64 = 24 + 4 * WaveformParams::MAX_PAIRS as u64;

impl MediaService {
    /// The blob with the peaks of a recording, computed on a worker thread if it is not cached.
    /// `params.samples_per_pixel` must be in [`WaveformParams::SAMPLES_PER_PIXEL`].
    ///
    /// # Errors
    /// [`MediaError::Waveform`] for a recording that has no audio, cannot be decoded or gives too many peaks;
    /// [`MediaError::Queue`]; errors of [`MediaService::open_source`], of the store and of the database.
    pub async fn waveform(
        &self,
        scope: &Scope,
        content: Content<'_>,
        params: WaveformParams,
    ) -> Result<BlobId, MediaError> {
        let key = WaveformKey::new(content, params);
        let kept = {
            let mut conn = self.pool().acquire().await?;
            store::find_waveform(&mut conn, scope, &key).await?
        };
        if let Some(blob) = kept {
            match self.blobs().size(blob).await {
                Ok(_) => return Ok(blob),
                // A lost blob is computed again.
                Err(BlobError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let input = self.open_recording(content).await?;
        let work = move |cancellation: &scheduling::Cancellation| {
            let peaks = waveform(&input, &params, &|| cancellation.is_cancelled())?;
            Ok::<_, WaveformError>(peaks.to_dat(audio_signal::WaveformBits::Sixteen))
        };
        let bytes = self.waveform_queue().run(work).await??;
        self.keep_waveform(scope, &key, bytes).await
    }

    /// Stores the bytes under this key.
    pub(crate) async fn keep_waveform(
        &self,
        scope: &Scope,
        key: &WaveformKey,
        bytes: Vec<u8>,
    ) -> Result<BlobId, MediaError> {
        let blob = self.blobs().put(bytes.into()).await?.id;
        let mut conn = self.pool().acquire().await?;
        store::insert_waveform(&mut conn, scope, self.now(), key, blob).await?;
        Ok(blob)
    }

    /// The peaks in a blob of [`MediaService::waveform`], converted to `T` by `write` on a worker thread.
    ///
    /// # Errors
    /// [`MediaError::ContentMissing`], [`MediaError::Queue`], and other errors of the store.
    pub async fn read_waveform<T: Send + 'static>(
        &self,
        blob: BlobId,
        write: impl FnOnce(Waveform) -> T + Send + 'static,
    ) -> Result<T, MediaError> {
        let bytes = self.blobs().get(blob, MAX_BYTES).await?;
        let work = move |_: &scheduling::Cancellation| Waveform::from_dat(&bytes).map(write);
        let damaged = || DecodeError::Io(std::io::ErrorKind::InvalidData.into());
        Ok(self.waveform_queue().run(work).await?.ok_or_else(damaged)?)
    }
}
