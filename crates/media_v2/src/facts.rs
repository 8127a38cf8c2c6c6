//! What a file is: measured once, when it is registered, on a worker thread.

use std::io::{Read, Seek, SeekFrom};

use blob_store::BlobId;
use http_kit::Cancellation;
use media_decode::{DecodeError, FileFormat, MediaInput, MediaKind, Probe};
use sha2::{Digest, Sha256};

use crate::media_type::UNKNOWN;
use crate::{AssetKind, NewAsset};

/// The highest sample rate that is believed, in Hz.
const MAX_RATE: u32 = 100_000_000;

/// What the bytes of a file tell.
#[derive(Debug)]
pub(crate) struct Facts {
    kind: AssetKind,
    probe: Probe,
}

impl Facts {
    /// Measures a file.
    pub(crate) fn measure(input: &MediaInput, cancellation: &Cancellation) -> Result<Self, DecodeError> {
        let probe = input.probe(&|| cancellation.is_cancelled())?;
        let kind = match probe.kind {
            MediaKind::Video => AssetKind::Video,
            MediaKind::Audio => AssetKind::Audio,
            MediaKind::Image => AssetKind::Image,
            MediaKind::Other => AssetKind::Other,
        };
        Ok(Self { kind, probe })
    }

    /// Writes what is known into `asset`; a kind that the caller told stays.
    pub(crate) fn describe(self, asset: &mut NewAsset) {
        let audio = self.probe.audio.as_ref();
        asset.kind = asset.kind.or(Some(self.kind));
        asset.duration_ms = self.probe.duration;
        asset.fps = self.probe.video.as_ref().and_then(|video| video.fps).filter(|fps| *fps > 0.0);
        // A rate that no recording has is a damaged header's.
        asset.sample_rate = audio.and_then(|audio| audio.rate).filter(|rate| (1..=MAX_RATE).contains(rate));
        asset.audio_channels = match (audio, &self.probe.container) {
            (Some(audio), _) => audio.channels.map(u32::from),
            (None, Some(_)) if self.probe.is_complete => Some(0),
            (None, _) => None,
        };
        asset.codec_info = codec_info(&self.probe);
        asset.meta.insert("media_type".to_owned(), self.media_type().into());
    }
}

impl Facts {
    fn media_type(&self) -> &'static str {
        let format: Option<FileFormat> = self.probe.format;
        format.map_or(UNKNOWN, |format| format.media_type(self.probe.kind))
    }
}

/// `isomp4: h264, aac`.
fn codec_info(probe: &Probe) -> Option<String> {
    let video = probe.video.as_ref().map(|video| video.codec.as_str());
    let audio = probe.audio.as_ref().map(|audio| audio.codec.as_str());
    let codecs: Vec<&str> = video.into_iter().chain(audio).collect();
    // Names of unknown codecs are quoted from the file.
    let text = format!("{}: {}", probe.container.as_deref()?, codecs.join(", "));
    Some(text.chars().filter(|c| !c.is_control()).take(200).collect())
}

/// Hash and size of what `reader` holds from its beginning.
pub(crate) fn digest(
    mut reader: impl Read + Seek,
    cancellation: &Cancellation,
) -> Result<(BlobId, u64), DecodeError> {
    reader.seek(SeekFrom::Start(0))?;
    let (mut hash, mut size, mut piece) = (Sha256::new(), 0, vec![0; 256 << 10]);
    loop {
        if cancellation.is_cancelled() {
            return Err(DecodeError::Cancelled);
        }
        match reader.read(&mut piece)? {
            0 => return Ok((BlobId::from_sha256(hash.finalize().into()), size)),
            count => {
                hash.update(&piece[..count]);
                size += count as u64;
            }
        }
    }
}
