//! The probed properties of a source.

use std::num::NonZeroU32;

use media_time::{AssetTime, FileTime, MediaTime, Window};

use crate::container::Container;
use crate::frame_format::FrameFormat;

/// The probed properties of a source. The file's own times are as ffmpeg reports them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProbedSource {
    pub(crate) container: Container,
    /// Time zero of the asset.
    pub(crate) start: FileTime,
    /// Zero of ffmpeg's seek positions: the start of the earliest stream of any kind.
    pub(crate) seek_zero: FileTime,
    /// Offset of the audio timestamps relative to the video: containers round them, or leave the encoder delay to the
    /// decoder.
    pub(crate) audio_lag: MediaTime,
    pub(crate) duration: Option<MediaTime>,
    pub(crate) video: Option<VideoStream>,
    pub(crate) audio: Option<AudioStream>,
}

impl ProbedSource {
    /// The end, if declared.
    pub(crate) fn end(&self) -> Option<FileTime> {
        Some(self.start + self.duration?)
    }

    /// An instant of the file, on the asset's timeline.
    pub(crate) fn asset_time(&self, time: FileTime) -> AssetTime {
        time.relative_to(self.start)
    }

    /// A window of the asset, in the file's own time.
    pub(crate) fn file_window(&self, window: Window<AssetTime>) -> Window<FileTime> {
        window.in_file(self.start)
    }

    /// The window of the file's audio that belongs to a window of the asset.
    pub(crate) fn audio_window(&self, window: Window<AssetTime>) -> Window<FileTime> {
        self.file_window(window).shift(self.audio_lag)
    }

    /// How ffmpeg must access the audio.
    pub(crate) fn audio_access(&self) -> AudioAccess {
        let codec = self.audio.as_ref().map_or("", |audio| audio.codec.as_str());
        match (self.container.demuxer, codec) {
            ("wav", codec) if codec.starts_with("adpcm") => AudioAccess::FromBeginning,
            ("mpeg", "pcm_dvd") | ("avi", "dts") => AudioAccess::Counted,
            _ => AudioAccess::Seeking,
        }
    }
}

/// How ffmpeg finds an instant in the audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AudioAccess {
    /// By seeking and timestamps.
    Seeking,
    /// By reading from the beginning, because ffmpeg returns wrong audio after seeking.
    FromBeginning,
    /// By reading from the beginning and counting samples, because the timestamps are wrong.
    Counted,
}

/// A stream of the file, with its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamInfo {
    pub(crate) index: u32,
    pub(crate) time_base: TimeBase,
    /// Start, if declared.
    pub(crate) start: Option<FileTime>,
    /// End by the file's index of all packets; `None` without such an index.
    pub(crate) end: Option<FileTime>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VideoStream {
    pub(crate) info: StreamInfo,
    pub(crate) codec: String,
    /// Mean frame rate in frames per second.
    pub(crate) fps: Option<f64>,
    pub(crate) format: FrameFormat,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AudioStream {
    pub(crate) info: StreamInfo,
    pub(crate) codec: String,
    pub(crate) channels: u32,
    pub(crate) sample_rate: u32,
    pub(crate) mix: ChannelMix,
}

/// How channels are mixed to stereo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelMix {
    /// By the channel layout, or by ffmpeg's default layout for the number of channels.
    ByLayout,
    /// The first two channels: many channels without a layout are separate microphones, which ffmpeg does not mix.
    FirstTwo,
}

/// The duration of one tick of a stream's clock, in seconds: a positive fraction.
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
    pub(crate) fn instant(self, ticks: i64) -> FileTime {
        let (numerator, denominator) = (i128::from(self.numerator.get()), i128::from(self.denominator.get()));
        let scaled = i128::from(ticks.unsigned_abs()) * numerator * 1_000_000;
        let micros = (2 * scaled + denominator) / (2 * denominator);
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        FileTime::from_micros(if ticks < 0 { -micros } else { micros })
    }

    /// Duration of one tick: the rounding error of the difference of two timestamps.
    pub(crate) fn tick(self) -> MediaTime {
        self.instant(1).since_zero()
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
