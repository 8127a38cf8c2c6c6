//! Peaks of recordings: computed once, kept as blobs.

use audio_signal::{Waveform, WaveformError, WaveformParams, waveform};
use blob_store::{BlobError, BlobId};
use http_kit::Scope;
use media_decode::DecodeError;
use sha2::{Digest, Sha256};

use crate::service::MediaService;
use crate::{Content, MediaError, store};

/// The largest kept waveform in bytes: header and the most peaks.
const MAX_BYTES: u64 = 24 + 4 * WaveformParams::MAX_PAIRS as u64;

/// What peaks are kept under, within an owner.
#[derive(Clone, Debug)]
pub(crate) struct WaveformKey {
    /// SHA-256 of where the bytes are and what is known of them, lower-case hex.
    pub(crate) source: String,
    pub(crate) params: WaveformParams,
}

impl WaveformKey {
    /// Changes whenever the same recording may give other peaks.
    pub(crate) const RULE: i16 = 1;

    fn new(content: Content<'_>, params: WaveformParams) -> Self {
        // A hash that a caller told counts only together with the place: it cannot claim another recording's peaks.
        let mut known = format!("{}\n{}", content.uri, content.sha256.unwrap_or_default());
        // Peaks of an earlier decoder, which read the recording wrongly, are not those of this one.
        if let Some(decoder) = content.decoder {
            known += &format!("\n{decoder}");
        }
        Self { source: hex::encode(Sha256::digest(known)), params }
    }
}

impl MediaService {
    /// The blob that holds the peaks of a recording, computed on a worker thread when it was not before.
    /// `params.samples_per_pixel` must be one of [`WaveformParams::SAMPLES_PER_PIXEL`].
    ///
    /// # Errors
    /// [`MediaError::Waveform`] for what has no sound, cannot be decoded or gives too many peaks;
    /// [`MediaError::Queue`]; those of [`MediaService::open_source`], storage's and the database's.
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
                // A cache: what is lost is computed again.
                Err(BlobError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let input = self.open_recording(content).await?;
        let work = move |cancellation: &http_kit::Cancellation| {
            let peaks = waveform(&input, &params, &|| cancellation.is_cancelled())?;
            Ok::<_, WaveformError>(peaks.to_dat(audio_signal::WaveformBits::Sixteen))
        };
        let bytes = self.waveform_queue().run(work).await??;
        let blob = self.blobs().put(bytes.into()).await?.id;
        let mut conn = self.pool().acquire().await?;
        store::insert_waveform(&mut conn, scope, self.now(), &key, blob).await?;
        Ok(blob)
    }

    /// The peaks in a blob of [`MediaService::waveform`], made into `T` by `write` on a worker thread.
    ///
    /// # Errors
    /// [`MediaError::ContentMissing`], [`MediaError::Queue`], and storage's.
    pub async fn read_waveform<T: Send + 'static>(
        &self,
        blob: BlobId,
        write: impl FnOnce(Waveform) -> T + Send + 'static,
    ) -> Result<T, MediaError> {
        let bytes = self.blobs().get(blob, MAX_BYTES).await?;
        let work = move |_: &http_kit::Cancellation| Waveform::from_dat(&bytes).map(write);
        let damaged = || DecodeError::Io(std::io::ErrorKind::InvalidData.into());
        Ok(self.waveform_queue().run(work).await?.ok_or_else(damaged)?)
    }
}
