//! The decoder of an asset, and its mark in the versions of results.

use media_decode::{DecodeError, DecoderKind, MediaInput, Probe};
use tokio::task::spawn_blocking;

use crate::{AssetDecoder, Content, MediaAsset, MediaError, MediaService};

/// The reason when no ffmpeg is configured.
const NOT_CONFIGURED: &str = "none is configured";

impl AssetDecoder {
    /// The decoder by a probe; `None` when version 1 of the prober decoded the audio correctly.
    #[must_use]
    pub fn of(probe: &Probe) -> Option<Self> {
        let ffmpeg = probe.needs_ffmpeg.then_some(Self::Ffmpeg);
        ffmpeg.or_else(|| probe.is_repaired.then_some(Self::Decode2))
    }

    /// Suffix of the version of a result that ffmpeg of this release decoded, e.g. `+ffmpeg-5.1`.
    #[must_use]
    pub fn ffmpeg_mark(release: &str) -> String {
        format!("+ffmpeg-{release}")
    }

    /// Suffix of the version of a result that this process decoded differently than version 1 of the prober.
    pub const DECODE2_MARK: &str = "+decode2";
}

impl MediaService {
    /// The decoder mark in the versions and cache keys of results of an asset: empty, unless the asset is decoded
    /// differently than by version 1 of the prober.
    ///
    /// # Errors
    /// [`DecodeError::FfmpegUnavailable`], as [`MediaError::Read`].
    pub async fn decoder_mark(&self, asset: &MediaAsset) -> Result<String, MediaError> {
        match asset.decoder {
            None => Ok(String::new()),
            Some(AssetDecoder::Decode2) => Ok(AssetDecoder::DECODE2_MARK.to_owned()),
            Some(AssetDecoder::Ffmpeg) => {
                let what = asset.codec_info.clone().unwrap_or_else(|| asset.kind.to_string());
                Ok(AssetDecoder::ffmpeg_mark(&self.ffmpeg_release(what).await?))
            }
        }
    }

    /// The decoder mark of results of one audio stream of a recording. Opens the recording, because the streams of a
    /// container may need different decoders.
    ///
    /// # Errors
    /// As [`MediaService::open_recording`] and [`MediaInput::decoder`].
    pub async fn stream_decoder_mark(&self, content: Content<'_>, stream: u32) -> Result<String, MediaError> {
        let is_repaired = content.decoder == Some(AssetDecoder::Decode2);
        let input = self.open_recording(content).await?.with_audio_stream(Some(stream as usize));
        let kind = spawn_blocking(move || input.decoder().map(|decoder| decoder.kind().clone())).await;
        Ok(match kind.map_err(std::io::Error::other)?? {
            DecoderKind::Ffmpeg(release) => AssetDecoder::ffmpeg_mark(&release),
            DecoderKind::Native if is_repaired => AssetDecoder::DECODE2_MARK.to_owned(),
            DecoderKind::Native => String::new(),
        })
    }

    async fn ffmpeg_release(&self, what: String) -> Result<String, MediaError> {
        let unavailable = |reason: String| DecodeError::FfmpegUnavailable { what: what.clone(), reason };
        let ffmpeg = self.decoders().ffmpeg().cloned();
        let ffmpeg = ffmpeg.ok_or_else(|| unavailable(NOT_CONFIGURED.to_owned()))?;
        let release = spawn_blocking(move || ffmpeg.release().map(str::to_owned)).await;
        match release.map_err(std::io::Error::other)? {
            Err(DecodeError::FfmpegUnavailable { reason, .. }) => Err(unavailable(reason).into()),
            release => Ok(release?),
        }
    }

    /// Opens a recording for decoding on a worker thread; with ffmpeg if the asset is known to need it, so that all
    /// passes over an asset use the same decoder.
    ///
    /// # Errors
    /// As [`MediaService::open_source`]; [`DecodeError::FfmpegUnavailable`] when ffmpeg is needed but not configured.
    pub async fn open_recording(&self, content: Content<'_>) -> Result<MediaInput, MediaError> {
        let input = MediaInput::new(self.open_source(content).await?, self.decoders().clone());
        if content.decoder != Some(AssetDecoder::Ffmpeg) {
            return Ok(input);
        }
        // Decoders without ffmpeg would fall back to the native one, which is known to be wrong.
        if self.decoders().ffmpeg().is_none() {
            let what = content.file_name.unwrap_or("the recording").to_owned();
            return Err(DecodeError::FfmpegUnavailable { what, reason: NOT_CONFIGURED.to_owned() }.into());
        }
        Ok(input.preferring_ffmpeg())
    }
}
