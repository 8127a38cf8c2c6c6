//! What a file is: measured once, when it is registered, on a worker thread.

use std::io::{self, Read, Seek, SeekFrom};

use audio_signal::SignalError;
use audio_signal::decode::Decoder;
use audio_signal::probe::{MediaKind, Probe, probe};
use blob_store::BlobId;
use http_kit::Cancellation;
use media_time::MediaTime;
use sha2::{Digest, Sha256};

use crate::{AssetKind, NewAsset, media_type};

/// The highest sample rate that is believed, in Hz.
const MAX_RATE: u32 = 100_000_000;

/// What the bytes of a file tell.
#[derive(Debug)]
pub(crate) struct Facts {
    kind: AssetKind,
    media_type: &'static str,
    duration: Option<MediaTime>,
    probe: Probe,
}

impl Facts {
    /// Measures a file that `open` opens, as often as asked.
    ///
    /// A container that tells no duration (MP3, Ogg, a live recording) is decoded to find it, in constant memory; a
    /// file that cannot be decoded has none.
    pub(crate) fn measure<R: Read + Seek + Send + 'static>(
        open: impl Fn() -> io::Result<R>,
        cancellation: &Cancellation,
    ) -> Result<Self, SignalError> {
        let mut head = Vec::new();
        open()?.take(64).read_to_end(&mut head)?;
        let probe = probe(open()?)?;
        let kind = match probe.kind {
            MediaKind::Video => AssetKind::Video,
            MediaKind::Audio => AssetKind::Audio,
            MediaKind::Image => AssetKind::Image,
            MediaKind::Other => AssetKind::Other,
        };
        let duration = match probe.duration {
            None if probe.audio.is_some() => decoded_duration(open()?, cancellation)?,
            told => told,
        };
        Ok(Self { kind, media_type: media_type::sniff(&head, kind), duration, probe })
    }

    /// Writes what is known into `asset`; a kind that the caller told stays.
    pub(crate) fn describe(self, asset: &mut NewAsset) {
        let audio = self.probe.audio.as_ref();
        asset.kind = asset.kind.or(Some(self.kind));
        asset.duration_ms = self.duration;
        asset.fps = self.probe.video.as_ref().and_then(|video| video.fps).filter(|fps| *fps > 0.0);
        // A rate that no recording has is a damaged header's.
        asset.sample_rate = audio.and_then(|audio| audio.rate).filter(|rate| (1..=MAX_RATE).contains(rate));
        asset.audio_channels = match (audio, &self.probe.container) {
            (Some(audio), _) => audio.channels.map(u32::from),
            (None, Some(_)) => Some(0),
            (None, None) => None,
        };
        asset.codec_info = codec_info(&self.probe);
        asset.meta.insert("media_type".to_owned(), self.media_type.into());
    }
}

fn decoded_duration(
    source: impl Read + Seek + Send + 'static,
    cancellation: &Cancellation,
) -> Result<Option<MediaTime>, SignalError> {
    let mut decoder = match Decoder::open(source) {
        Ok(decoder) => decoder,
        Err(error) if error.is_about_media() => return Ok(None),
        Err(error) => return Err(error),
    };
    loop {
        if cancellation.is_cancelled() {
            return Err(SignalError::Cancelled);
        }
        match decoder.next_block() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(Some(decoder.position())),
            Err(error) if error.is_about_media() => return Ok(None),
            Err(error) => return Err(error),
        }
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
) -> Result<(BlobId, u64), SignalError> {
    reader.seek(SeekFrom::Start(0))?;
    let (mut hash, mut size, mut piece) = (Sha256::new(), 0, vec![0; 256 << 10]);
    loop {
        if cancellation.is_cancelled() {
            return Err(SignalError::Cancelled);
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
