//! The ceiling of a mix.

/// Highest true peak of a mix, in dBTP (EBU R 128).
pub const CEILING_DBTP: f64 = -1.0;

/// The gain in dB, 0 or less, that lowers a true peak (full scale 1) to the ceiling.
#[must_use]
pub fn gain_to_ceiling(true_peak: f32) -> f64 {
    let peak_db = 20.0 * f64::from(true_peak).log10();
    // Rounded down to hundredths, for short answers.
    ((CEILING_DBTP - peak_db) * 100.0).floor().min(0.0) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mixes_above_the_ceiling_are_lowered() {
        assert_eq!(gain_to_ceiling(0.0), 0.0);
        assert_eq!(gain_to_ceiling(0.89), 0.0);
        assert_eq!(gain_to_ceiling(1.0), -1.0);
        assert_eq!(gain_to_ceiling(2.0), -7.03);
    }
}
