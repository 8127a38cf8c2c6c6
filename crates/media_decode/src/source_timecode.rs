//! Source timecode: the time of day at which a recorder started a file.

use std::io::{self, Read, Seek};

use crate::FileFormat;
use crate::native::{time_reference, track_timecode};

/// Seconds in which the timecode of a day passes; at 23.976 frames per second it takes 86 486.4.
const DAY_SECONDS: u128 = 86_487;

/// The source timecode of the first frame or sample of a file, by which editing systems find its parts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceTimecode {
    /// Frames, or samples, since midnight.
    pub count: u64,
    /// Frames, or samples, per second: numerator and denominator in lowest terms, both above 0.
    pub rate: (u32, u32),
    /// Whether the timecode skips frame numbers to keep up with the clock (SMPTE ST 12-1); false for samples.
    pub drop_frame: bool,
}

impl SourceTimecode {
    /// The timecode of a count; `None` for a rate of 0 and for a count of more than a day, which come from damaged
    /// headers.
    pub(crate) fn new(count: u64, rate: (u32, u32), drop_frame: bool) -> Option<Self> {
        let divisor = gcd(rate.0, rate.1);
        let rate @ (numerator, denominator) = (rate.0.checked_div(divisor)?, rate.1.checked_div(divisor)?);
        let is_within_a_day =
            u128::from(count) * u128::from(denominator) <= DAY_SECONDS * u128::from(numerator);
        (numerator > 0 && denominator > 0 && is_within_a_day).then_some(Self { count, rate, drop_frame })
    }

    /// Parses `HH:MM:SS:FF`, or `HH:MM:SS;FF` for drop frame, at `rate` frames per second.
    pub(crate) fn parse(label: &str, rate: (u32, u32)) -> Option<Self> {
        let fields: Option<Vec<u64>> = label.split([':', ';', '.']).map(|field| field.parse().ok()).collect();
        let [hours, minutes, seconds, frames]: [u64; 4] = fields?.try_into().ok()?;
        let [numerator, denominator] = [rate.0, rate.1].map(u64::from);
        // A timecode counts 30 frames as a second of 29.97.
        let nominal = (numerator + denominator / 2).checked_div(denominator)?;
        if hours >= 24 || minutes >= 60 || seconds >= 60 || frames >= nominal {
            return None;
        }
        let drop_frame = label.contains([';', '.']) && nominal.is_multiple_of(30);
        let minutes = hours * 60 + minutes;
        // 2 of 30 numbers are skipped in each minute but every tenth.
        let skipped = if drop_frame { nominal / 15 * (minutes - minutes / 10) } else { 0 };
        let number = (minutes * 60 + seconds) * nominal + frames;
        Self::new(number.checked_sub(skipped)?, rate, drop_frame)
    }

    /// Reads the timecode that a file of `format` declares where this crate parses it: the timecode track of MP4 and
    /// QuickTime, the time reference of Broadcast WAVE.
    pub(crate) fn read(source: &mut (impl Read + Seek), format: FileFormat) -> io::Result<Option<Self>> {
        let found = match format {
            FileFormat::IsoMp4 | FileFormat::QuickTime | FileFormat::BrandlessMp4 => track_timecode(source),
            FileFormat::Wave => time_reference(source),
            _ => Ok(None),
        };
        match found {
            // The file is truncated; the other parts of the probe report that with more context.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            found => found,
        }
    }
}

const fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_frames_since_midnight() {
        let count = |label: &str, rate| {
            SourceTimecode::parse(label, rate).map(|timecode| (timecode.count, timecode.drop_frame))
        };
        assert_eq!(count("10:00:00:00", (25, 1)), Some((900_000, false)));
        assert_eq!(count("01:00:00;02", (30_000, 1_001)), Some((107_894, true)));
        assert_eq!(count("01:00:00:02", (30_000, 1_001)), Some((108_002, false)));
        assert_eq!(count("00:01:00.04", (60_000, 1_001)), Some((3_600, true)));
        assert_eq!(count("23:59:59:23", (24_000, 1_001)), Some((24 * 86_400 - 1, false)));
    }

    #[test]
    fn malformed_labels_are_no_timecode() {
        for label in ["", "10:00:00", "24:00:00:00", "00:60:00:00", "00:00:00:25", "00:00:00:-1", "a:b:c:d"] {
            assert_eq!(SourceTimecode::parse(label, (25, 1)), None, "{label}");
        }
        assert_eq!(SourceTimecode::parse("00:00:00:00", (0, 0)), None);
        assert_eq!(SourceTimecode::parse("00:00:00:00", (0, 1)), None);
    }

    #[test]
    fn counts_beyond_a_day_are_no_timecode() {
        let count = |count| SourceTimecode::new(count, (25, 1), false);
        assert!(count(25 * 86_400 - 1).is_some());
        assert_eq!(count(25 * 90_000), None);
        assert_eq!(SourceTimecode::new(u64::MAX, (u32::MAX, u32::MAX), false), None);
        assert_eq!(SourceTimecode::new(0, (0, 1), false), None);
        assert_eq!(SourceTimecode::new(0, (1, 0), false), None);
        assert_eq!(SourceTimecode::new(0, (0, 0), false), None);
    }
}
