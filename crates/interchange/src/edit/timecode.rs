//! Source timecode: the time of day at which a file begins.

use media_time::MediaTime;

use crate::frame_rate::FrameRate;

/// Source timecode at the start of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceTimecode {
    /// Time since midnight: of the frames or samples that are counted, so that 01:00:00:00 is 3 603.6 s at 23.976 and in
    /// non-drop 29.97.
    pub time: MediaTime,
    /// Whether timecode at multiples of 29.97 is drop-frame; `None` if the file does not declare it, because it counts
    /// samples or has another rate. It is then drop-frame.
    pub drop_frame: Option<bool>,
}

impl SourceTimecode {
    /// The timecode 00:00:00:00, at which editing systems let files without timecode begin.
    pub const ZERO: Self = Self { time: MediaTime::ZERO, drop_frame: None };

    /// The timecode of `count` frames since midnight, `numerator / denominator` of them per second, or of samples, of
    /// which there are more than 1 000 per second. `video` is the rate of the file's video: if it is 1 000/1 001 of the
    /// declared rate, or the other way round, it is the rate of the count, because a timecode numbers frames.
    #[must_use]
    pub fn of_count(
        count: u64,
        (numerator, denominator): (u32, u32),
        drop_frame: bool,
        video: Option<FrameRate>,
    ) -> Self {
        let per_second = f64::from(numerator) / f64::from(denominator);
        let Some(declared) = FrameRate::from_f64(per_second) else {
            return Self { time: time_of_samples(count, numerator, denominator), drop_frame: None };
        };
        let is_near = |video: &FrameRate| (video.as_f64() / declared.as_f64() - 1.0).abs() < 2e-3;
        let rate = video.filter(is_near).unwrap_or(declared);
        let frames = i64::try_from(count).unwrap_or(0);
        Self { time: rate.time(frames), drop_frame: rate.is_ntsc().then_some(drop_frame) }
    }
}

/// The time of a count, to the nearest microsecond; 0 for a rate of 0.
fn time_of_samples(count: u64, numerator: u32, denominator: u32) -> MediaTime {
    let rate = u128::from(numerator);
    let scaled = u128::from(count) * u128::from(denominator) * 1_000_000 + rate / 2;
    let micros = scaled.checked_div(rate).and_then(|micros| i64::try_from(micros).ok());
    MediaTime::from_micros(micros.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timecode(count: u64, rate: (u32, u32), drop_frame: bool, fps: Option<f64>) -> (String, Option<bool>) {
        let video = fps.and_then(FrameRate::from_f64);
        let found = SourceTimecode::of_count(count, rate, drop_frame, video);
        let rate = video.unwrap_or(FrameRate::PAL);
        let label = rate.timecode_in(rate.frames(found.time), found.drop_frame.unwrap_or(true));
        (label, found.drop_frame)
    }

    #[test]
    fn counts_of_frames_keep_their_timecode() {
        let label = |text: &str, drop_frame| (text.to_owned(), drop_frame);
        let ntsc = (30_000, 1_001);
        assert_eq!(timecode(900_000, (25, 1), false, Some(25.0)), label("10:00:00:00", None));
        assert_eq!(timecode(107_894, ntsc, true, Some(29.97)), label("01:00:00;02", Some(true)));
        assert_eq!(timecode(108_002, ntsc, false, Some(29.97)), label("01:00:00:02", Some(false)));
        // QuickTime's 2997/100, and 24 for video of 23.976.
        assert_eq!(timecode(1_078_920, (2_997, 100), true, Some(29.97)), label("10:00:00;00", Some(true)));
        assert_eq!(timecode(86_400, (24, 1), false, Some(23.976)), label("01:00:00:00", Some(false)));
        // A timecode of 30 frames for video of 60.
        assert_eq!(timecode(107_892, ntsc, true, Some(59.94)), label("01:00:00;00", Some(true)));
    }

    #[test]
    fn counts_of_samples_are_times_since_midnight() {
        assert_eq!(timecode(1_728_000_000, (48_000, 1), false, None), ("10:00:00:00".to_owned(), None));
        let third = SourceTimecode::of_count(16_000, (48_000, 1), false, None);
        assert_eq!(third.time, MediaTime::from_micros(333_333));
        for rate in [(0, 1), (1, 0), (0, 0), (u32::MAX, 1)] {
            assert_eq!(SourceTimecode::of_count(1, rate, false, None), SourceTimecode::ZERO, "{rate:?}");
        }
    }
}
