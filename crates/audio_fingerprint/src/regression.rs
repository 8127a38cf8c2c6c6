//! A line through points of which many are wrong.

/// `y = intercept + slope × x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) intercept: f64,
    pub(crate) slope: f64,
}

impl Line {
    pub(crate) fn at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }
}

/// Points of which all pairs are formed; of more, evenly spaced ones.
const MOST_POINTS: usize = 128;

/// The line of median slope and intercept (Theil–Sen), then of least squares through the points within `tolerance` of
/// it; correct if fewer than 29 % of the points are wrong. With fewer than two different `x`, its slope is 0. `None`
/// without points.
pub(crate) fn robust_line(points: &[(f64, f64)], tolerance: f64) -> Option<Line> {
    let some: Vec<(f64, f64)> =
        points.iter().step_by(points.len().div_ceil(MOST_POINTS).max(1)).copied().collect();
    let mut slopes = Vec::new();
    for (i, a) in some.iter().enumerate() {
        let rising = some[i + 1..].iter().filter(|b| (b.0 - a.0).abs() > f64::EPSILON);
        slopes.extend(rising.map(|b| (b.1 - a.1) / (b.0 - a.0)));
    }
    let slope = median(&mut slopes).unwrap_or(0.0);
    let intercept = median(&mut some.iter().map(|(x, y)| y - slope * x).collect::<Vec<_>>())?;
    let line = Line { intercept, slope };
    let near: Vec<(f64, f64)> =
        points.iter().filter(|(x, y)| (y - line.at(*x)).abs() <= tolerance).copied().collect();
    Some(least_squares(&near).unwrap_or(line))
}

/// The line of least squares; `None` with fewer than two different `x`.
fn least_squares(points: &[(f64, f64)]) -> Option<Line> {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let (mut product, mut square) = (0.0, 0.0);
    for point in points {
        product += (point.0 - x) * (point.1 - y);
        square += (point.0 - x).powi(2);
    }
    (square > f64::EPSILON).then(|| {
        let slope = product / square;
        Line { intercept: y - slope * x, slope }
    })
}

/// The upper median; `None` of nothing.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robust_line_ignores_a_fifth_of_wrong_points() {
        let point = |n: u32| {
            let x = f64::from(n);
            (x, if n % 5 == 2 { f64::from(n * 7_919 % 101) } else { 3.0 + 0.25 * x })
        };
        let line = robust_line(&(0..40).map(point).collect::<Vec<_>>(), 0.5).unwrap();
        assert!((line.slope - 0.25).abs() < 1e-2 && (line.at(20.0) - 8.0).abs() < 0.1, "{line:?}");
    }

    #[test]
    fn robust_line_of_few_points() {
        assert_eq!(robust_line(&[], 1.0), None);
        assert_eq!(robust_line(&[(2.0, 5.0)], 1.0), Some(Line { intercept: 5.0, slope: 0.0 }));
        assert_eq!(robust_line(&[(0.0, 1.0), (2.0, 5.0)], 1.0), Some(Line { intercept: 1.0, slope: 2.0 }));
    }
}
