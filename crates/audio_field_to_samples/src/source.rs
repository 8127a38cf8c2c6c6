//! The audio that samples are taken from.

use media_decode::DecodeError;
use media_v2::{AssetKind, MediaAsset, MediaService};
use primitives::{Id, Scope};

use crate::Error;

/// The audio that samples are taken from.
#[derive(Clone, Debug)]
pub(crate) struct SampleSource {
    pub(crate) asset: MediaAsset,
    /// Index among the audio streams; `None` for the container's default stream.
    pub(crate) audio_stream: Option<u32>,
    /// The part of versions that identifies the stream and its decoder, see
    /// [`MediaService::decoder_mark`](media_v2::MediaService::decoder_mark).
    pub(crate) mark: String,
}

impl SampleSource {
    /// Finds the asset and the mark of its decoder.
    ///
    /// # Errors
    /// [`Error::Decode`] for assets that are known to have no audio; errors of the media store.
    pub(crate) async fn find(
        media: &MediaService,
        scope: &Scope,
        asset_id: &Id,
        audio_stream: Option<u32>,
    ) -> Result<Self, Error> {
        let asset = media.recording(scope, asset_id).await?;
        if asset.audio_channels == Some(0) {
            let container = asset.codec_info.clone().unwrap_or_else(|| asset.kind.to_string());
            return Err(DecodeError::NoAudioStream { container }.into());
        }
        // The codec was probed when the asset was registered.
        if asset.kind == AssetKind::Other && asset.codec_info.is_none() {
            return Err(DecodeError::Unrecognised("no media container".to_owned()).into());
        }
        let mark = match audio_stream {
            None => media.decoder_mark(&asset).await?,
            Some(stream) => {
                let decoder = media.stream_decoder_mark(asset.content(), stream).await?;
                format!("+audio_stream={stream}{decoder}")
            }
        };
        Ok(Self { asset, audio_stream, mark })
    }
}
