//! Aligns the file's own times, which ffmpeg reports, with the timeline of the asset, which the decoder defines.

use media_decode::{Decoder, DecoderKind};
use media_time::{AssetTime, FileTime, MediaTime};

use crate::source::ProbedSource;

/// The audio stream of an asset, and its position on the asset's timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimelineAlignment {
    /// Index of the stream among the audio streams.
    pub(crate) audio_index: usize,
    /// Zero of the asset's timeline.
    pub(crate) zero: FileTime,
    /// The first known unit of the audio, with its time.
    pub(crate) unit: AlignmentUnit,
}

/// The unit of audio by which the offset of ffmpeg's clock is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlignmentUnit {
    /// The first packet, because ffmpeg may or may not drop the encoder delay.
    Packet(AssetTime),
    /// The first decoded frame, for files in which ffmpeg skips packets before an edit.
    Frame(AssetTime),
    /// No unit: the decoder is ffmpeg, so both use the same clock.
    SharedClock,
}

impl AlignmentUnit {
    const fn time(self) -> Option<AssetTime> {
        match self {
            Self::Packet(time) | Self::Frame(time) => Some(time),
            Self::SharedClock => None,
        }
    }
}

impl TimelineAlignment {
    /// The alignment of the audio that `decoder` decodes.
    pub(crate) fn of(decoder: &Decoder) -> Self {
        Self {
            audio_index: decoder.audio_index(),
            zero: decoder.zero(),
            unit: match (decoder.kind(), decoder.first_packet()) {
                (DecoderKind::Ffmpeg(_), _) => AlignmentUnit::SharedClock,
                (DecoderKind::Native, Some(first)) => AlignmentUnit::Packet(first),
                (DecoderKind::Native, None) => AlignmentUnit::Frame(decoder.audio_start()),
            },
        }
    }
}

impl ProbedSource {
    /// Aligns the file's own times with the timeline of the asset, as the decoder defines it.
    /// `first` is the start of the audio unit of [`TimelineAlignment::unit`].
    pub(crate) fn align(&mut self, alignment: &TimelineAlignment, first: Option<FileTime>) {
        let end = self.end();
        self.start = alignment.zero;
        self.duration = end.map(|end| end - self.start);
        // Larger differences come from different clocks.
        const FURTHEST: MediaTime = MediaTime::from_millis(250);
        let lag = first.zip(alignment.unit.time()).map(|(first, time)| first - time.with_zero_at(self.start));
        let lag = lag.unwrap_or_default();
        self.audio_lag = if lag.max(MediaTime::ZERO - lag) <= FURTHEST { lag } else { MediaTime::ZERO };
    }

    /// Aligns a source without audio: its timeline begins with the video.
    pub(crate) fn align_to_video(&mut self) {
        let Some(start) = self.video.as_ref().and_then(|video| video.info.start) else { return };
        let end = self.end();
        self.start = start;
        self.duration = end.map(|end| end - start);
    }
}
