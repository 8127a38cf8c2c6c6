//! Functions of windowed-sinc kernels.

use std::f64::consts::PI;

/// sin(πx) / (πx), 1 at 0.
pub(super) fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The modified Bessel function of the first kind and order 0, by its power series.
pub(super) fn bessel_i0(x: f64) -> f64 {
    let quarter = 0.25 * x * x;
    let terms =
        std::iter::successors(Some((1.0, 1.0)), |&(k, term)| Some((k + 1.0, term * quarter / (k * k))));
    terms.map(|(_, term)| term).take_while(|&term| term > 1e-12).sum()
}
