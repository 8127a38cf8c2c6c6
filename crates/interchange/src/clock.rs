//! Formatting of times in milliseconds.

/// Formats as `HH:MM:SS`, the separator, milliseconds; hours have at least two digits.
pub(crate) fn hms_millis(ms: i64, separator: char) -> String {
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    format!("{:02}:{:02}:{:02}{separator}{ms:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Seconds as a JSON number, exact to the millisecond.
pub(crate) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}
