//! What is known of a source before it is rendered.

use std::num::NonZeroU32;

use media_time::MediaTime;

use crate::container::Container;
use crate::frame_format::FrameFormat;

/// What is known of a source before it is rendered. Times here are the file's own: those that ffmpeg reports.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) container: Container,
    /// Time zero of the asset.
    pub(crate) start: MediaTime,
    /// Where ffmpeg counts seek positions from: the begin of the earliest stream of any kind.
    pub(crate) seek_zero: MediaTime,
    /// How much later than the video's the audio's own times are: containers round them, or leave encoder delay to the
    /// decoder.
    pub(crate) audio_lag: MediaTime,
    pub(crate) duration: Option<MediaTime>,
    pub(crate) video: Option<VideoStream>,
    pub(crate) audio: Option<AudioStream>,
}

impl Source {
    /// The file's own time at its end, as far as it is declared.
    pub(crate) fn end(&self) -> Option<MediaTime> {
        Some(self.start + self.duration?)
    }

    /// How the audio is found in the file.
    pub(crate) fn audio_access(&self) -> AudioAccess {
        let codec = self.audio.as_ref().map_or("", |audio| audio.codec.as_str());
        match (self.container.demuxer, codec) {
            ("wav", codec) if codec.starts_with("adpcm") => AudioAccess::FromBeginning,
            ("mpeg", "pcm_dvd") | ("avi", "dts") => AudioAccess::Counted,
            _ => AudioAccess::Seeking,
        }
    }
}

/// How ffmpeg finds an instant of the audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AudioAccess {
    /// By seeking and timestamps.
    Seeking,
    /// From the beginning on: it delivers other audio after seeking.
    FromBeginning,
    /// From the beginning on, and by counting samples: its timestamps are wrong.
    Counted,
}

/// What is needed to find the packets of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Track {
    pub(crate) index: u32,
    pub(crate) time_base: TimeBase,
    /// When it begins in the file's own time.
    pub(crate) start: Option<MediaTime>,
    /// When it ends in the file's own time, by the file's index of all packets; none without such an index.
    pub(crate) end: Option<MediaTime>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VideoStream {
    pub(crate) track: Track,
    pub(crate) codec: String,
    /// Mean rate, pictures a second.
    pub(crate) fps: Option<f64>,
    pub(crate) format: FrameFormat,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AudioStream {
    pub(crate) track: Track,
    pub(crate) codec: String,
    pub(crate) channels: u32,
    pub(crate) sample_rate: u32,
    pub(crate) mix: ChannelMix,
}

/// How channels become stereo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelMix {
    /// By the channel layout, or by ffmpeg's default layout for so many channels.
    ByLayout,
    /// The first two: many channels without a layout are separate microphones, which ffmpeg refuses to mix.
    FirstTwo,
}

/// Seconds of one tick of a stream's clock: a positive fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeBase {
    pub(crate) numerator: NonZeroU32,
    pub(crate) denominator: NonZeroU32,
}

impl TimeBase {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (numerator, denominator) = text.split_once('/')?;
        Some(Self { numerator: numerator.parse().ok()?, denominator: denominator.parse().ok()? })
    }

    /// The instant of `ticks`, rounded to the microsecond as ffmpeg's `settb` does: halves away from zero.
    pub(crate) fn instant(self, ticks: i64) -> MediaTime {
        let (numerator, denominator) = (i128::from(self.numerator.get()), i128::from(self.denominator.get()));
        let scaled = i128::from(ticks.unsigned_abs()) * numerator * 1_000_000;
        let micros = (2 * scaled + denominator) / (2 * denominator);
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        MediaTime::from_micros(if ticks < 0 { -micros } else { micros })
    }

    /// How far apart two instants may be told because each is rounded to a tick.
    pub(crate) fn tick(self) -> MediaTime {
        self.instant(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_rounded_to_the_microsecond() {
        let ntsc = TimeBase::parse("1001/30000").unwrap();
        assert_eq!(ntsc.instant(1).as_micros(), 33_367);
        assert_eq!(ntsc.instant(-1).as_micros(), -33_367);
        assert_eq!(ntsc.instant(240).as_micros(), 8_008_000);
        assert!(TimeBase::parse("0/1").is_none());
    }
}
