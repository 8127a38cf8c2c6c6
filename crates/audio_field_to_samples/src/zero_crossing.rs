//! Zero crossings, at which audio is cut without a step.

/// Maximum distance to a zero crossing in milliseconds.
const REACH_MS: u32 = 5;

/// Maximum distance to a zero crossing, in frames of a stream of `rate` Hz.
pub(crate) const fn reach(rate: u32) -> usize {
    (rate * REACH_MS / 1_000) as usize
}

/// The last frame in `interleaved` at which the sum of all channels is zero or has changed its sign since the previous
/// frame; `None` if there is none.
pub(crate) fn last(interleaved: &[f32], channels: usize) -> Option<usize> {
    let mix: Vec<f32> = interleaved.chunks_exact(channels.max(1)).map(|frame| frame.iter().sum()).collect();
    (0..mix.len()).rev().find(|&at| mix[at] == 0.0 || (at > 0 && (mix[at - 1] < 0.0) != (mix[at] < 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_zero_crossing_is_found() {
        assert_eq!(last(&[1.0, -1.0, 2.0, 3.0], 1), Some(2));
        assert_eq!(last(&[1.0, 0.0, 2.0, 3.0], 1), Some(1));
        assert_eq!(last(&[1.0, 2.0, 3.0], 1), None);
        assert_eq!(last(&[0.0; 6], 2), Some(2), "in silence anywhere");
        assert_eq!(last(&[1.0, 1.0, 2.0, -3.0, -1.0, -1.0], 2), Some(1), "of the sum of the channels");
        assert_eq!(last(&[], 1), None);
    }
}
