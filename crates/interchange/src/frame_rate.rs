//! Frame rates, and the rounding of times to their frames.

use media_time::{MediaTime, Window};

use crate::loss::{LossKind, Losses};

/// Frames per second as a fraction in lowest terms, such as 30 000/1 001; from 1 to 1 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
}

/// Frame rates of editing systems.
const EDITING_RATES: [FrameRate; 14] = [
    FrameRate { numerator: 24_000, denominator: 1_001 },
    FrameRate { numerator: 24, denominator: 1 },
    FrameRate { numerator: 25, denominator: 1 },
    FrameRate { numerator: 30_000, denominator: 1_001 },
    FrameRate { numerator: 30, denominator: 1 },
    FrameRate { numerator: 48_000, denominator: 1_001 },
    FrameRate { numerator: 48, denominator: 1 },
    FrameRate { numerator: 50, denominator: 1 },
    FrameRate { numerator: 60_000, denominator: 1_001 },
    FrameRate { numerator: 60, denominator: 1 },
    FrameRate { numerator: 96, denominator: 1 },
    FrameRate { numerator: 100, denominator: 1 },
    FrameRate { numerator: 120_000, denominator: 1_001 },
    FrameRate { numerator: 120, denominator: 1 },
];

impl FrameRate {
    /// 25 frames per second.
    pub const PAL: Self = Self { numerator: 25, denominator: 1 };
    /// The grid of timelines without frames: whole milliseconds.
    pub const MILLISECONDS: Self = Self { numerator: 1_000, denominator: 1 };

    /// The rate of `numerator / denominator` frames per second; `None` below 1 or above 1 000.
    #[must_use]
    pub fn new(numerator: u32, denominator: u32) -> Option<Self> {
        let divisor = gcd(numerator, denominator);
        if divisor == 0 {
            return None;
        }
        let (numerator, denominator) = (numerator / divisor, denominator / divisor);
        let is_in_range = numerator >= denominator && u64::from(numerator) <= 1_000 * u64::from(denominator);
        (is_in_range && denominator <= 1_001).then_some(Self { numerator, denominator })
    }

    /// The standard rate nearest to `fps` within 0.02 %, such as 30 000/1 001 for 29.97; otherwise `fps` to a thousandth.
    #[must_use]
    pub fn from_f64(fps: f64) -> Option<Self> {
        if !(1.0..=1_000.0).contains(&fps) {
            return None;
        }
        let whole = fps.round();
        let candidates = [(whole as u32, 1), (whole as u32 * 1_000, 1_001)];
        let nearest = candidates.into_iter().find(|&(numerator, denominator)| {
            let candidate = f64::from(numerator) / f64::from(denominator);
            (candidate / fps - 1.0).abs() < 2e-4
        });
        let (numerator, denominator) = nearest.unwrap_or(((fps * 1_000.0).round() as u32, 1_000));
        Self::new(numerator, denominator)
    }

    /// The numerator of the fraction.
    #[must_use]
    pub const fn numerator(self) -> u32 {
        self.numerator
    }

    /// The denominator of the fraction.
    #[must_use]
    pub const fn denominator(self) -> u32 {
        self.denominator
    }

    /// Frames per second.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// Frames that a timecode counts as one second: 30 for 29.97.
    #[must_use]
    pub const fn nominal(self) -> u32 {
        (self.numerator + self.denominator / 2) / self.denominator
    }

    /// Whether the rate is 1 000/1 001 of a whole one.
    #[must_use]
    pub const fn is_ntsc(self) -> bool {
        self.denominator == 1_001
    }

    /// Whether timecode drops frame numbers to keep up with the clock: multiples of 29.97.
    #[must_use]
    pub const fn is_drop_frame(self) -> bool {
        self.is_ntsc() && self.nominal().is_multiple_of(30)
    }

    /// The rate of editing systems that is this one, or a power of two times this one, up to `max` frames per second; the
    /// nearest of them if there is none. `max` is at least 24.
    #[must_use]
    pub fn editing_rate(self, max: u32) -> Self {
        let editing = || EDITING_RATES.into_iter().filter(move |rate| rate.nominal() <= max);
        let is_editing = |rate: &Self| editing().any(|editing| editing == *rate);
        let halves =
            (0..6).map_while(|power| self.denominator.checked_mul(1 << power)).map(|d| (self.numerator, d));
        let doubles =
            (1..6).map_while(|power| self.numerator.checked_mul(1 << power)).map(|n| (n, self.denominator));
        let rates =
            halves.chain(doubles).filter_map(|(numerator, denominator)| Self::new(numerator, denominator));
        let distance = |rate: &Self| (rate.as_f64() - self.as_f64()).abs();
        let nearest = || editing().min_by(|one, other| distance(one).total_cmp(&distance(other)));
        rates.into_iter().find(is_editing).or_else(nearest).unwrap_or(Self::PAL)
    }

    /// The [editing rate](FrameRate::editing_rate); a change is a loss.
    pub(crate) fn at_most(self, max: u32, losses: &mut Losses) -> Self {
        let rate = self.editing_rate(max);
        if rate != self {
            let place = format!("{:.3} to {:.3} frames per second", self.as_f64(), rate.as_f64());
            losses.add(LossKind::RateChanged, place);
        }
        rate
    }

    /// The greater of the errors of both ends of `window`, rounded to frames.
    pub(crate) fn rounding(self, window: Window) -> MediaTime {
        let errors = [window.start(), window.end()].map(|time| time - self.time(self.frames(time)));
        errors.map(|error| error.max(-error)).into_iter().max().unwrap_or_default()
    }

    /// The frame boundary nearest to `time`; halves up.
    #[must_use]
    pub fn frames(self, time: MediaTime) -> i64 {
        let scaled = i128::from(time.as_micros()) * i128::from(self.numerator);
        let frame = i128::from(self.denominator) * 1_000_000;
        (2 * scaled + frame).div_euclid(2 * frame) as i64
    }

    /// The start of a frame, to the nearest microsecond.
    #[must_use]
    pub fn time(self, frames: i64) -> MediaTime {
        let scaled = i128::from(frames) * i128::from(self.denominator) * 1_000_000;
        let rate = i128::from(self.numerator);
        MediaTime::from_micros((2 * scaled + rate).div_euclid(2 * rate) as i64)
    }

    /// The frame whose timecode is `hour:00:00:00`.
    #[must_use]
    pub fn first_frame_of_hour(self, hour: u32) -> i64 {
        let nominal = i64::from(self.nominal());
        let dropped = if self.is_drop_frame() { nominal / 15 * 54 } else { 0 };
        i64::from(hour) * (nominal * 3_600 - dropped)
    }

    /// The timecode of a frame as `HH:MM:SS:FF`, or `HH:MM:SS;FF` in drop frame; it restarts after 24 hours.
    #[must_use]
    pub fn timecode(self, frame: i64) -> String {
        self.timecode_in(frame, self.is_drop_frame())
    }

    /// As [`FrameRate::timecode`], in drop frame only if `drop_frame`; multiples of 29.97 have both kinds of timecode.
    ///
    /// Drop frame skips the first numbers of each minute but every tenth: 2 of 30, 4 of 60 (SMPTE ST 12-1).
    #[must_use]
    pub fn timecode_in(self, frame: i64, drop_frame: bool) -> String {
        let nominal = i64::from(self.nominal());
        let (number, separator) = if drop_frame && self.is_drop_frame() {
            let dropped = nominal / 15;
            let minute = nominal * 60 - dropped;
            let ten_minutes = minute * 10 + dropped;
            let frame = frame.rem_euclid(ten_minutes * 144);
            let (tens, rest) = (frame / ten_minutes, frame % ten_minutes);
            let minutes = if rest < dropped { 0 } else { (rest - dropped) / minute };
            (frame + dropped * (9 * tens + minutes), ';')
        } else {
            (frame.rem_euclid(nominal * 86_400), ':')
        };
        let (seconds, frames) = (number / nominal, number % nominal);
        format!("{:02}:{:02}:{:02}{separator}{frames:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
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
    fn frame_rates_are_recognised() {
        let rate = |fps| FrameRate::from_f64(fps).map(|rate| (rate.numerator(), rate.denominator()));
        assert_eq!(rate(29.97), Some((30_000, 1_001)));
        assert_eq!(rate(23.976), Some((24_000, 1_001)));
        assert_eq!(rate(59.940_059_94), Some((60_000, 1_001)));
        assert_eq!(rate(24.0), Some((24, 1)));
        assert_eq!(rate(12.5), Some((25, 2)));
        assert_eq!(rate(0.0), None);
        assert_eq!(rate(f64::NAN), None);
    }

    #[test]
    fn timecode_drops_frame_numbers_of_29_97() {
        let rate = FrameRate::from_f64(29.97).unwrap();
        assert_eq!(rate.timecode(0), "00:00:00;00");
        assert_eq!(rate.timecode(1_799), "00:00:59;29");
        assert_eq!(rate.timecode(1_800), "00:01:00;02");
        assert_eq!(rate.timecode(17_981), "00:09:59;29");
        assert_eq!(rate.timecode(17_982), "00:10:00;00");
        assert_eq!(rate.timecode(107_892), "01:00:00;00");
        assert_eq!(rate.timecode(107_892 * 24 + 5), "00:00:00;05");
        let double = FrameRate::from_f64(59.94).unwrap();
        assert_eq!(double.timecode(3_600), "00:01:00;04");
        assert_eq!(FrameRate::PAL.timecode(25 * 3_661 + 7), "01:01:01:07");
        assert_eq!(rate.timecode_in(108_000, false), "01:00:00:00");
        assert_eq!(FrameRate::PAL.timecode_in(25, true), "00:00:01:00");
    }

    #[test]
    fn hours_begin_at_their_first_frame() {
        for fps in [23.976, 25.0, 29.97, 59.94] {
            let rate = FrameRate::from_f64(fps).unwrap();
            let separator = if rate.is_drop_frame() { ';' } else { ':' };
            assert_eq!(rate.timecode(rate.first_frame_of_hour(1)), format!("01:00:00{separator}00"));
        }
    }

    #[test]
    fn editing_rates_are_multiples_where_possible() {
        let rate = |fps, max| FrameRate::from_f64(fps).unwrap().editing_rate(max).as_f64();
        assert_eq!(rate(12.5, 60), 25.0);
        assert_eq!(rate(15.0, 60), 30.0);
        assert_eq!(rate(120.0, 60), 60.0);
        assert_eq!(rate(120.0, 120), 120.0);
        assert_eq!(rate(29.97, 60), 30_000.0 / 1_001.0);
        assert_eq!(rate(119.88, 60), 60_000.0 / 1_001.0);
        assert_eq!(rate(17.0, 60), 24_000.0 / 1_001.0);
        assert_eq!(rate(29.5, 60), 30_000.0 / 1_001.0);
        assert_eq!(rate(1_000.0, 60), 60.0);
    }

    #[test]
    fn frames_round_to_the_nearest_boundary() {
        let rate = FrameRate::from_f64(29.97).unwrap();
        for frame in [0, 1, 17_982, 2_589_408, 1_000_000_007] {
            assert_eq!(rate.frames(rate.time(frame)), frame);
        }
        assert_eq!(FrameRate::PAL.frames(MediaTime::from_millis(20)), 1);
        assert_eq!(FrameRate::PAL.frames(MediaTime::from_micros(19_999)), 0);
    }
}
