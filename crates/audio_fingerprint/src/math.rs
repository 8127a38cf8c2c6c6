//! Logarithms in plain arithmetic: those of a system's library may differ in the last bit between processors.

/// log2 of a positive, normal `x`, to within 4e-7 (absolute), in operations that the compiler can vectorise.
#[inline(always)]
pub(crate) fn log2(x: f32) -> f32 {
    let bits = x.to_bits();
    // The mantissa in [√½, √2), so that the series converges quickly and log2(1) is exactly 0.
    let shifted = bits.wrapping_sub(0x3F35_04F3);
    let exponent = (shifted as i32) >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub((exponent as u32) << 23));
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let t2 = t * t;
    // 2 / ln 2 × atanh(t).
    let series = 2.885_39 + t2 * (0.961_796_7 + t2 * (0.577_078 + t2 * (0.412_198_6 + t2 * 0.320_598_9)));
    exponent as f32 + t * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log2_is_accurate_over_the_range_of_powers() {
        for step in 0..40_000 {
            let exact = -60.0 + f64::from(step) * 0.003;
            let x = exact.exp2() as f32;
            let error = (f64::from(log2(x)) - f64::from(x).log2()).abs();
            assert!(error < 4e-6, "log2({x}): {error}");
        }
        assert_eq!(log2(1.0), 0.0);
        assert_eq!(log2(8.0), 3.0);
    }
}
