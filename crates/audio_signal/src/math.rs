//! Elementary functions in plain arithmetic, bit-identical on every machine, in loops that vectorise.
//! (Those of the C library differ between versions and processors.)

/// Rounds to a number of decimals; those that matter give the same text on every machine.
#[must_use]
pub fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (value * scale).round() / scale
}

/// eˣ with a relative error below 2·10⁻⁷, x limited to ±87. Cephes' `expf`: reduction to ±½ ln 2, polynomial of
/// degree 7.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// 1.5·2²³: adding it leaves the nearest integer in the lowest bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    let r = x - whole * LN2_HIGH - whole * LN2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    (p * r * r + r + 1.0) * f32::from_bits(exponent)
}

/// The logistic function 1 / (1 + e⁻ˣ).
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent, to 2·10⁻⁷ absolute.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    2.0 * sigmoid(2.0 * x) - 1.0
}

/// The decimal logarithm of a positive, normal number: within 2·10⁻⁷ absolute for x between 0.1 and 10, relative beyond.
/// Cephes' `logf`: the number as 2ᵉ (1 + f) with 1 + f between √½ and √2, polynomial of degree 9.
#[inline(always)]
pub(crate) fn log10(x: f32) -> f32 {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let exponent = (x.to_bits().wrapping_sub(SQRT_HALF) as i32) >> 23;
    let f = f32::from_bits(x.to_bits().wrapping_sub((exponent << 23) as u32)) - 1.0;
    let exponent = exponent as f32;
    let square = f * f;
    let p = 7.037_683_6e-2;
    let p = p * f - 1.151_461e-1;
    let p = p * f + 1.167_699_9e-1;
    let p = p * f - 1.242_014_1e-1;
    let p = p * f + 1.424_932_3e-1;
    let p = p * f - 1.666_805_8e-1;
    let p = p * f + 2.000_071_5e-1;
    let p = p * f - 2.499_999_4e-1;
    let p = p * f + 3.333_333e-1;
    let natural = f + (p * f * square + (exponent * LN2_LOW - 0.5 * square)) + exponent * LN2_HIGH;
    natural * std::f32::consts::LOG10_E
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_as_accurate_as_single_precision_allows() {
        for step in -20_000..=20_000 {
            let x = step as f32 * 1e-3;
            let exact = f64::from(x);
            assert!((f64::from(exp(x)) / exact.exp() - 1.0).abs() < 2e-7, "exp({x})");
            assert!((f64::from(sigmoid(x)) - 1.0 / (1.0 + (-exact).exp())).abs() < 2e-7, "sigmoid({x})");
            assert!((f64::from(tanh(x)) - exact.tanh()).abs() < 3e-7, "tanh({x})");
        }
    }

    #[test]
    fn extremes_stay_finite() {
        for x in [f32::MIN, f32::MAX, f32::INFINITY, f32::NEG_INFINITY] {
            assert!((0.0..=1.0).contains(&sigmoid(x)) && (-1.0..=1.0).contains(&tanh(x)), "{x}");
        }
    }

    #[test]
    fn logarithms_are_as_accurate_as_single_precision_allows() {
        let steps = (1..2_000_000u32).map(|step| f32::from_bits(0x0080_0000 + step * 1_060));
        for x in steps.take_while(|x| x.is_finite()) {
            let exact = f64::from(x).log10();
            assert!((f64::from(log10(x)) - exact).abs() < 2e-7 * exact.abs().max(1.0), "log10({x})");
        }
    }
}
