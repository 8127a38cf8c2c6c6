//! Probing a file when it is registered, on a worker thread.

use media_decode::{DecodeError, FileFormat, MediaInput, MediaKind, PROBER_VERSION, Probe};
use scheduling::Cancellation;

use crate::media_type::UNKNOWN;
use crate::{AssetDecoder, AssetKind, AudioStream, MediaAsset, NewAsset, StartTimecode};

/// Highest sample rate that is accepted, in Hz.
const MAX_RATE: u32 = 100_000_000;

/// The probed properties of a file.
#[derive(Debug)]
pub(crate) struct ProbeResult {
    kind: AssetKind,
    probe: Probe,
}

impl ProbeResult {
    /// Probes a file. Blocking.
    pub(crate) fn probe(input: &MediaInput, cancellation: &Cancellation) -> Result<Self, DecodeError> {
        let probe = input.probe(&|| cancellation.is_cancelled())?;
        let kind = match probe.kind {
            MediaKind::Video => AssetKind::Video,
            MediaKind::Audio => AssetKind::Audio,
            MediaKind::Image => AssetKind::Image,
            MediaKind::Other => AssetKind::Other,
        };
        Ok(Self { kind, probe })
    }

    /// Writes the probed properties into `asset`; a kind given by the caller is kept.
    pub(crate) fn apply_to(self, asset: &mut NewAsset) {
        asset.kind = asset.kind.or(Some(self.kind));
        asset.duration = self.probe.duration;
        asset.fps = self.fps();
        asset.start_timecode = self.probe.source_timecode.map(StartTimecode::from);
        asset.sample_rate = self.sample_rate();
        asset.audio_channels = self.audio_channels();
        asset.codec_info = codec_info(&self.probe);
        asset.audio_streams = AudioStream::of_probe(&self.probe.audio_streams);
        asset.meta.insert("media_type".to_owned(), self.media_type().into());
        asset.decoder = AssetDecoder::of(&self.probe);
        asset.is_incomplete = !self.probe.is_complete;
    }

    /// Replaces the properties that an earlier prober wrote into `asset`. An incomplete probe only adds the decoder:
    /// the known properties stay, and the file will be probed again.
    pub(crate) fn renew(self, asset: &mut MediaAsset) {
        // An analysis may have set ffmpeg where no probe does. The mark is part of cache keys: removing it would hide
        // the results that have it.
        if asset.decoder != Some(AssetDecoder::Ffmpeg) {
            asset.decoder = AssetDecoder::of(&self.probe);
        }
        if !self.probe.is_complete {
            asset.prober_version = 0;
            return;
        }
        asset.prober_version = PROBER_VERSION;
        if self.contradicts(asset.kind) {
            asset.kind = self.kind;
        }
        asset.duration = self.probe.duration;
        asset.fps = self.fps();
        asset.start_timecode = self.probe.source_timecode.map(StartTimecode::from);
        asset.sample_rate = self.sample_rate();
        asset.audio_channels = self.audio_channels();
        asset.codec_info = codec_info(&self.probe);
        asset.audio_streams = AudioStream::of_probe(&self.probe.audio_streams);
        asset.meta.insert("media_type".to_owned(), self.media_type().into());
    }

    /// Whether the content contradicts the stored kind. It is not stored whether a caller chose that kind, so it is
    /// kept where possible: a video file may have been registered as `audio`.
    fn contradicts(&self, stored: AssetKind) -> bool {
        let is_read = self.probe.container.is_some();
        match stored {
            AssetKind::Other => true,
            AssetKind::Video => is_read && self.probe.video.is_none(),
            AssetKind::Audio => is_read && self.probe.audio.is_none(),
            AssetKind::Image => is_read && (self.probe.audio.is_some() || self.probe.video.is_some()),
        }
    }

    fn fps(&self) -> Option<f64> {
        self.probe.video.as_ref().and_then(|video| video.fps).filter(|fps| *fps > 0.0)
    }

    fn sample_rate(&self) -> Option<u32> {
        let rate = self.probe.audio.as_ref().and_then(|audio| audio.rate);
        // A rate outside this range comes from a damaged header.
        rate.filter(|rate| (1..=MAX_RATE).contains(rate))
    }

    fn audio_channels(&self) -> Option<u32> {
        match (&self.probe.audio, &self.probe.container) {
            (Some(audio), _) => audio.channels.map(u32::from),
            (None, Some(_)) if self.probe.is_complete => Some(0),
            (None, _) => None,
        }
    }

    fn media_type(&self) -> &'static str {
        let format: Option<FileFormat> = self.probe.format;
        format.map_or(UNKNOWN, |format| format.media_type(self.probe.kind))
    }
}

/// Container, video codec and the codecs of all audio streams: `isomp4: h264, ac3, aac`.
fn codec_info(probe: &Probe) -> Option<String> {
    let video = probe.video.as_ref().map(|video| video.codec.as_str());
    let audio = probe.audio_streams.iter().map(|stream| stream.codec.as_str());
    let codecs: Vec<&str> = video.into_iter().chain(audio).collect();
    // Names of unknown codecs are copied from the file.
    let text = format!("{}: {}", probe.container.as_deref()?, codecs.join(", "));
    Some(text.chars().filter(|c| !c.is_control()).take(200).collect())
}
