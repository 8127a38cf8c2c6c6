//! How the file's own times, which ffmpeg reports, stand to the timeline of the asset, which the decoder defines.

use media_decode::{Decoder, DecoderKind};
use media_time::MediaTime;

use crate::source::Source;

/// Where the audio of an asset is on its timeline, and which stream it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alignment {
    /// Its index among the audio streams.
    pub(crate) audio_index: usize,
    /// Timeline zero on the clock of the container.
    pub(crate) zero: MediaTime,
    /// What of its audio is known, from timeline zero.
    pub(crate) first: First,
}

/// Which unit of audio tells how far ffmpeg's clock is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// The first packet; ffmpeg may or may not drop what its encoder put before the audio.
    Packet(MediaTime),
    /// The first decoded frame, where ffmpeg leaves out packets before an edit.
    Frame(MediaTime),
    /// None: ffmpeg's own clock was used.
    Same,
}

impl First {
    const fn time(self) -> Option<MediaTime> {
        match self {
            Self::Packet(time) | Self::Frame(time) => Some(time),
            Self::Same => None,
        }
    }
}

impl Alignment {
    /// As `decoder` decodes it.
    pub(crate) fn of(decoder: &Decoder) -> Self {
        Self {
            audio_index: decoder.audio_index(),
            zero: decoder.zero(),
            first: match (decoder.kind(), decoder.first_packet()) {
                (DecoderKind::Ffmpeg(_), _) => First::Same,
                (DecoderKind::Native, Some(first)) => First::Packet(first),
                (DecoderKind::Native, None) => First::Frame(decoder.audio_start()),
            },
        }
    }
}

impl Source {
    /// Aligns the file's own times with the timeline of the asset, as the decoder defines it.
    /// `first` is when the unit of audio that [`Alignment::first`] is about begins.
    pub(crate) fn align(&mut self, alignment: &Alignment, first: Option<MediaTime>) {
        let end = self.end();
        self.start = alignment.zero;
        self.duration = end.map(|end| end - self.start);
        // Further apart, they are of different clocks.
        const FURTHEST: MediaTime = MediaTime::from_millis(250);
        let lag = first.zip(alignment.first.time()).map(|(first, time)| first - time - self.start);
        let lag = lag.unwrap_or_default();
        self.audio_lag = if lag.max(MediaTime::ZERO - lag) <= FURTHEST { lag } else { MediaTime::ZERO };
    }

    /// Without audio, the video alone begins at zero.
    pub(crate) fn align_to_video(&mut self) {
        let Some(start) = self.video.as_ref().and_then(|video| video.track.start) else { return };
        let end = self.end();
        self.start = start;
        self.duration = end.map(|end| end - start);
    }
}
