//! The render profiles, as data.

use std::fmt;

use media_time::MediaTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The format of a rendered file. [`Profile::ALL`] lists all profiles.
#[derive(Debug, PartialEq)]
pub struct Profile {
    /// Name in requests and responses.
    pub name: &'static str,
    /// Width of the canvas in pixels; even.
    pub width: u32,
    /// Height of the canvas in pixels; even.
    pub height: u32,
    /// The frame rate of the file.
    pub rate: Rate,
    pub(crate) video: VideoCodec,
    pub(crate) audio: AudioCodec,
}

/// How frames of another shape than the canvas are placed on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The whole frame, with black borders.
    #[default]
    Contain,
    /// The whole canvas, with the borders of the frame cut off.
    Cover,
}

/// The frame rate of a profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// The frames of the source, each at its own PTS.
    Source,
    /// A fixed rate in frames per second, regardless of the source's rate.
    Fixed(u32),
}

/// Frames per second, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameRate {
    numerator: u32,
    denominator: u32,
}

impl FrameRate {
    /// The rate of an empty canvas when the profile uses the source's rate.
    pub(crate) const CANVAS: Self = Self::whole(30);

    /// A whole number of frames per second, at least 1.
    pub(crate) const fn whole(rate: u32) -> Self {
        Self { numerator: if rate == 0 { 1 } else { rate }, denominator: 1 }
    }

    /// The whole or NTSC rate (n · 1000/1001) that `fps` stands for, e.g. 30000/1001 for 29.97, else `fps` in thousandths;
    /// clamped to 1 to 240 frames per second.
    pub(crate) fn near(fps: f64) -> Self {
        let fps = fps.clamp(1.0, 240.0);
        let whole = fps.round();
        let ntsc = (fps * 1.001).round();
        if (fps - whole).abs() < 1e-3 {
            Self::whole(whole as u32)
        } else if (fps * 1.001 - ntsc).abs() < 0.01 {
            Self { numerator: ntsc as u32 * 1_000, denominator: 1_001 }
        } else {
            Self { numerator: (fps * 1_000.0).round() as u32, denominator: 1_000 }
        }
    }

    /// Number of frames of a grid from zero on that begin before `length`.
    pub(crate) fn frames_before(self, length: MediaTime) -> i64 {
        let scaled = i128::from(length.as_micros()) * i128::from(self.numerator);
        let second = 1_000_000 * i128::from(self.denominator);
        let frames = scaled.div_euclid(second) + i128::from(scaled.rem_euclid(second) > 0);
        i64::try_from(frames.max(0)).unwrap_or(i64::MAX)
    }

    /// Start of frame `number` of that grid, rounded to the microsecond.
    pub(crate) fn instant(self, number: i64) -> MediaTime {
        let scaled = i128::from(number) * 1_000_000 * i128::from(self.denominator);
        let numerator = i128::from(self.numerator);
        let micros = (2 * scaled + numerator).div_euclid(2 * numerator);
        MediaTime::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// A clock in Hz, at most [`CLOCK_HZ`] or a little more, of which every frame lasts a whole number of ticks.
    pub(crate) const fn clock_hz(self) -> u32 {
        match (CLOCK_HZ * self.denominator).is_multiple_of(self.numerator) {
            true => CLOCK_HZ,
            false => self.numerator,
        }
    }

    /// Number of frames of a keyframe interval of two seconds, rounded up.
    pub(crate) const fn keyframe_interval(self) -> u32 {
        (2 * self.numerator).div_ceil(self.denominator)
    }

    /// The duration of one frame in seconds, as a fraction in ffmpeg's syntax.
    pub(crate) fn frame_duration(self) -> String {
        format!("{}/{}", self.denominator, self.numerator)
    }

    pub(crate) fn as_f64(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

/// Formats the rate as a fraction, in ffmpeg's syntax.
impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// The video encoder of a profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum VideoCodec {
    /// H.264 at constant quality `crf` (0–51, lower is better), never above `max_kbps`.
    H264 { preset: &'static str, crf: u8, max_kbps: u32 },
    /// Apple ProRes 422 HQ, 10 bits.
    ProRes,
}

/// The audio encoder of a profile; audio is always 48 kHz stereo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum AudioCodec {
    /// AAC-LC at this bit rate.
    Aac { kbps: u32 },
    /// PCM with 24 bits per sample, little endian.
    Pcm24,
}

/// A profile name that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown render profile `{found}`: expected one of {}", Profile::names())]
pub struct UnknownProfile {
    /// The given name, truncated to 64 characters.
    pub found: String,
}

/// Audio sample rate of every profile, in Hz.
pub(crate) const SAMPLE_RATE: u32 = 48_000;
/// The video timescale of renders, in Hz; frame durations at 24, 25, 30, 50, 60 and 30000/1001 fps are whole ticks.
pub(crate) const CLOCK_HZ: u32 = 90_000;

const fn h264(preset: &'static str, crf: u8, max_kbps: u32) -> VideoCodec {
    VideoCodec::H264 { preset, crf, max_kbps }
}

const fn aac(kbps: u32) -> AudioCodec {
    AudioCodec::Aac { kbps }
}

const fn profile(
    name: &'static str,
    (width, height): (u32, u32),
    rate: Rate,
    video: VideoCodec,
    audio: AudioCodec,
) -> Profile {
    Profile { name, width, height, rate, video, audio }
}

impl Profile {
    /// All profiles, with unique names.
    pub const ALL: [Self; 9] = [
        profile("draft_480p_fast", (854, 480), Rate::Source, h264("ultrafast", 30, 4_000), aac(96)),
        profile("preview_720p_fast", (1280, 720), Rate::Source, h264("veryfast", 26, 8_000), aac(128)),
        profile("social_1080p_h264", (1920, 1080), Rate::Fixed(30), h264("medium", 21, 12_000), aac(192)),
        profile("1080p_30_web", (1920, 1080), Rate::Fixed(30), h264("fast", 23, 10_000), aac(160)),
        profile("youtube_4k_h264", (3840, 2160), Rate::Source, h264("medium", 18, 68_000), aac(384)),
        profile("master_4k_prores", (3840, 2160), Rate::Source, VideoCodec::ProRes, AudioCodec::Pcm24),
        profile("social_4_3_h264", (1440, 1080), Rate::Fixed(30), h264("medium", 21, 10_000), aac(192)),
        profile("social_1_1_h264", (1080, 1080), Rate::Fixed(30), h264("medium", 21, 8_000), aac(192)),
        profile("social_9_16_h264", (1080, 1920), Rate::Fixed(30), h264("medium", 21, 10_000), aac(192)),
    ];

    /// Name of the profile that is used when none is requested.
    pub const DEFAULT: &'static str = "1080p_30_web";

    /// The profile of that name.
    ///
    /// # Errors
    /// [`UnknownProfile`], whose message lists the known profiles.
    pub fn named(name: &str) -> Result<&'static Self, UnknownProfile> {
        const ALL: &[Profile] = &Profile::ALL;
        ALL.iter()
            .find(|profile| profile.name == name)
            .ok_or_else(|| UnknownProfile { found: name.chars().take(64).collect() })
    }

    fn names() -> String {
        Self::ALL.map(|profile| profile.name).join(", ")
    }

    /// Name of ffmpeg's muxer.
    pub(crate) const fn muxer(&self) -> &'static str {
        match self.video {
            VideoCodec::H264 { .. } => "mp4",
            VideoCodec::ProRes => "mov",
        }
    }

    /// Media type of the rendered files.
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        match self.video {
            VideoCodec::H264 { .. } => "video/mp4",
            VideoCodec::ProRes => "video/quicktime",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_found_by_name_and_sizes_fit_4_2_0() {
        for profile in &Profile::ALL {
            assert_eq!(Profile::named(profile.name).unwrap(), profile);
            assert_eq!((profile.width % 2, profile.height % 2), (0, 0), "{profile}");
        }
        assert!(Profile::named(Profile::DEFAULT).is_ok());
    }

    #[test]
    fn unknown_profile_error_lists_the_known_profiles() {
        let message = Profile::named("8k").unwrap_err().to_string();
        assert!(Profile::ALL.iter().all(|profile| message.contains(profile.name)), "{message}");
    }

    #[test]
    fn rates_are_fractions() {
        for (fps, text) in [
            (23.976, "24000/1001"),
            (29.97, "30000/1001"),
            (59.94005994, "60000/1001"),
            (25.0, "25/1"),
            (12.5, "12500/1000"),
            (1e9, "240/1"),
        ] {
            assert_eq!(FrameRate::near(fps).to_string(), text);
        }
        let ntsc = FrameRate::near(29.97);
        assert_eq!(ntsc.frames_before(MediaTime::from_micros(33_366)), 1);
        assert_eq!(ntsc.frames_before(MediaTime::from_micros(33_367)), 2);
        assert_eq!(ntsc.frames_before(MediaTime::ZERO), 0);
        assert_eq!(ntsc.instant(30), MediaTime::from_micros(1_001_000));
    }
}
