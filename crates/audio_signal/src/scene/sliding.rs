use std::collections::VecDeque;

/// Calls `visit(t, sums, count)` for each `t` below `len` with the sums of `value` over `[t - radius, t + radius]`,
/// truncated at the ends, and the number of values in that range.
pub(crate) fn sums<const N: usize>(
    len: usize,
    radius: usize,
    value: impl Fn(usize) -> [f64; N],
    mut visit: impl FnMut(usize, &[f64; N], usize),
) {
    let mut sums = [0.0; N];
    let (mut from, mut to) = (0, 0);
    for centre in 0..len {
        while to < len.min(centre + radius + 1) {
            sums.iter_mut().zip(value(to)).for_each(|(sum, new)| *sum += new);
            to += 1;
        }
        while from + radius < centre {
            sums.iter_mut().zip(value(from)).for_each(|(sum, old)| *sum -= old);
            from += 1;
        }
        visit(centre, &sums, to - from);
    }
}

/// The maximum of `values` within `radius` of each.
pub(crate) fn maxima(values: &[f32], radius: usize) -> Vec<f32> {
    // Indices of descending values: the first is the maximum of the window (Lemire, "Streaming maximum-minimum
    // filter", 2006).
    let mut descending: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    (0..values.len())
        .map(|centre| {
            while next < values.len().min(centre + radius + 1) {
                while descending.back().is_some_and(|&last| values[last] <= values[next]) {
                    descending.pop_back();
                }
                descending.push_back(next);
                next += 1;
            }
            while descending.front().is_some_and(|&first| first + radius < centre) {
                descending.pop_front();
            }
            descending.front().map_or(values[centre], |&first| values[first])
        })
        .collect()
}

/// The value below which a fraction `part` (0 to 1) of `values` is; `None` for an empty slice.
pub(crate) fn percentile(values: &[f32], part: f64) -> Option<f32> {
    let mut sorted = values.to_vec();
    let index = ((values.len().checked_sub(1)?) as f64 * part).round() as usize;
    Some(*sorted.select_nth_unstable_by(index, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn maxima_are_those_of_each_window(values in prop::collection::vec(-9i8..9, 0..40), radius in 0usize..6) {
            let values: Vec<f32> = values.into_iter().map(f32::from).collect();
            let expected: Vec<f32> = (0..values.len())
                .map(|t| &values[t.saturating_sub(radius)..values.len().min(t + radius + 1)])
                .map(|window| window.iter().copied().fold(f32::MIN, f32::max))
                .collect();
            prop_assert_eq!(maxima(&values, radius), expected);
        }

        #[test]
        fn sums_are_those_of_each_window(values in prop::collection::vec(-9i8..9, 0..40), radius in 0usize..6) {
            sums(values.len(), radius, |t| [f64::from(values[t])], |t, sum, count| {
                let window = &values[t.saturating_sub(radius)..values.len().min(t + radius + 1)];
                assert_eq!(sum[0], window.iter().map(|&value| f64::from(value)).sum::<f64>());
                assert_eq!(count, window.len());
            });
        }
    }

    #[test]
    fn percentiles() {
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(percentile(&[3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(percentile(&[3.0, 1.0, 2.0], 1.0), Some(3.0));
    }
}
