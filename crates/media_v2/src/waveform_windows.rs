//! Windows of waveforms, read from stored levels of several resolutions.

use std::ops::RangeInclusive;
use std::pin::pin;

use audio_signal::{PyramidLayout, PyramidSelection, WaveformError, WaveformPyramid, WaveformWindow};
use blob_store::{BlobError, BlobId};
use futures::TryStreamExt as _;
use media_decode::DecodeError;
use media_time::MediaTime;
use primitives::Scope;

use crate::service::MediaService;
use crate::waveform_key::WaveformKey;
use crate::{Content, MediaError, store};

/// A window of a waveform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowRequest {
    /// Start, at least zero.
    pub(crate) start: MediaTime,
    /// End (exclusive), after the start; may be after the end of the recording.
    pub(crate) end: MediaTime,
    /// Maximum number of points, within [`WindowRequest::POINTS`].
    pub(crate) points: u32,
    /// Whether to return each channel instead of their mix.
    pub(crate) split_channels: bool,
}

impl WindowRequest {
    pub(crate) const POINTS: RangeInclusive<u32> = 1..=10_000;
    pub(crate) const DEFAULT_POINTS: u32 = 1_000;

    fn select(&self, layout: &PyramidLayout) -> Option<PyramidSelection> {
        let frame = |time: MediaTime| u64::try_from(time.to_samples(layout.rate)).unwrap_or(0);
        let start = frame(self.start);
        // A window of less than a frame has the frame in which it is.
        let end = frame(self.end).max(start + 1);
        layout.select(start..end, self.points)
    }
}

/// A selected window, not yet read.
#[derive(Clone, Debug)]
pub(crate) struct StoredWindow {
    pub(crate) blob: BlobId,
    pub(crate) selection: PyramidSelection,
}

impl MediaService {
    /// Stores the levels of the mix of a recording's default audio stream, as its analysis computed them.
    ///
    /// # Errors
    /// Errors of the store and of the database.
    pub async fn keep_waveform_pyramid(
        &self,
        scope: &Scope,
        content: Content<'_>,
        pyramid: WaveformPyramid,
    ) -> Result<(), MediaError> {
        let key = WaveformKey::pyramid(content, false);
        self.keep_waveform(scope, &key, pyramid.into_bytes()).await.map(|_| ())
    }

    /// Selects a window of a recording's waveform; `None` if it starts after the end. If no levels of the recording are
    /// stored, they are computed on a worker thread.
    ///
    /// # Errors
    /// [`MediaError::Waveform`] for a recording that has no audio or cannot be decoded; [`MediaError::Queue`]; errors of
    /// [`MediaService::open_source`], of the store and of the database.
    pub(crate) async fn waveform_window(
        &self,
        scope: &Scope,
        content: Content<'_>,
        request: WindowRequest,
    ) -> Result<Option<StoredWindow>, MediaError> {
        let key = WaveformKey::pyramid(content, request.split_channels);
        let kept = {
            let mut conn = self.pool().acquire().await?;
            store::find_waveform(&mut conn, scope, &key).await?
        };
        let stored = match kept {
            Some(blob) => match self.pyramid_layout(blob).await {
                Ok(layout) => Some((blob, layout)),
                // A lost blob is computed again.
                Err(BlobError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            },
            None => None,
        };
        let (blob, layout) = match stored {
            Some((blob, layout)) => (blob, layout),
            None => {
                let blob = self.compute_pyramid(scope, content, &key).await?;
                (blob, self.pyramid_layout(blob).await?)
            }
        };
        let layout = layout.ok_or_else(damaged)?;
        Ok(request.select(&layout).map(|selection| StoredWindow { blob, selection }))
    }

    /// Decodes the recording, and stores its levels.
    async fn compute_pyramid(
        &self,
        scope: &Scope,
        content: Content<'_>,
        key: &WaveformKey,
    ) -> Result<BlobId, MediaError> {
        let input = self.open_recording(content).await?;
        let split_channels = key.params.split_channels;
        let work = move |cancellation: &scheduling::Cancellation| {
            let cancelled = || cancellation.is_cancelled();
            let pyramid = audio_signal::waveform_pyramid(&input, split_channels, &cancelled)?;
            Ok::<_, WaveformError>(pyramid.into_bytes())
        };
        let bytes = self.waveform_queue().run(work).await??;
        self.keep_waveform(scope, key, bytes).await
    }

    /// The header of stored levels; `None` for other bytes.
    async fn pyramid_layout(&self, blob: BlobId) -> Result<Option<PyramidLayout>, BlobError> {
        let header = self.read_range(blob, 0..WaveformPyramid::HEADER_BYTES).await?;
        Ok(PyramidLayout::parse(&header))
    }

    /// The points of a window, converted to `T` by `write` on another thread. Bounded by the number of points, this takes
    /// milliseconds, and so does not wait behind decodings.
    ///
    /// # Errors
    /// [`MediaError::ContentMissing`], and other errors of the store.
    pub(crate) async fn read_waveform_window<T: Send + 'static>(
        &self,
        StoredWindow { blob, selection }: StoredWindow,
        write: impl FnOnce(WaveformWindow) -> T + Send + 'static,
    ) -> Result<T, MediaError> {
        let bytes = self.read_range(blob, selection.bytes()).await?;
        let computed = tokio::task::spawn_blocking(move || selection.read(&bytes).map(write)).await;
        let computed = computed.map_err(|error| DecodeError::Io(std::io::Error::other(error)))?;
        Ok(computed.ok_or_else(damaged)?)
    }

    /// The bytes of a range of a blob, which is small.
    async fn read_range(&self, blob: BlobId, range: std::ops::Range<u64>) -> Result<Vec<u8>, BlobError> {
        let mut stream = pin!(self.blobs().read(blob, range).await?);
        let mut bytes = Vec::new();
        while let Some(piece) = stream.try_next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

fn damaged() -> DecodeError {
    DecodeError::Io(std::io::ErrorKind::InvalidData.into())
}
