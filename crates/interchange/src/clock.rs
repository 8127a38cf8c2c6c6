//! Formatting of times.

use media_time::MediaTime;

/// Formats as `HH:MM:SS`, the separator, milliseconds; hours have at least two digits.
pub(crate) fn hms_millis(ms: i64, separator: char) -> String {
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    format!("{:02}:{:02}:{:02}{separator}{ms:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Formats as `h:mm:ss.mmm`, rounded to a millisecond; hours have as many digits as necessary.
pub(crate) fn h_mm_ss_millis(time: MediaTime) -> String {
    let text = hms_millis(time.as_millis_round(), '.');
    // Only the first of two digits can be superfluous.
    text.strip_prefix('0').map_or_else(|| text.clone(), str::to_owned)
}

/// Seconds as a JSON number, exact to the millisecond.
pub(crate) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

/// Seconds with six digits; a negative time is zero.
pub(crate) fn seconds_micros(time: MediaTime) -> String {
    let micros = time.as_micros().max(0);
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_formatted_with_fixed_digits() {
        assert_eq!(hms_millis(3_661_001, ','), "01:01:01,001");
        assert_eq!(h_mm_ss_millis(MediaTime::from_micros(3_661_000_500)), "1:01:01.001");
        assert_eq!(h_mm_ss_millis(MediaTime::from_millis(36_000_000)), "10:00:00.000");
        assert_eq!(h_mm_ss_millis(MediaTime::ZERO), "0:00:00.000");
        assert_eq!(seconds_micros(MediaTime::from_micros(1_000_001)), "1.000001");
    }
}
