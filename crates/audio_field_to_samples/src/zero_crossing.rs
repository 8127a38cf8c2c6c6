//! Where a sound can be cut without a step.

/// How far back one is looked for, milliseconds.
const REACH_MS: u32 = 5;

/// How far back a zero crossing is looked for in a stream of `rate` Hz, frames.
pub(crate) const fn reach(rate: u32) -> usize {
    (rate * REACH_MS / 1_000) as usize
}

/// The last frame in `interleaved` at which the sum of all channels is zero, or has crossed it since the frame before;
/// `None` when there is none.
pub(crate) fn last(interleaved: &[f32], channels: usize) -> Option<usize> {
    let mix: Vec<f32> = interleaved.chunks_exact(channels.max(1)).map(|frame| frame.iter().sum()).collect();
    (0..mix.len()).rev().find(|&at| mix[at] == 0.0 || (at > 0 && (mix[at - 1] < 0.0) != (mix[at] < 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_crossing_counts() {
        assert_eq!(last(&[1.0, -1.0, 2.0, 3.0], 1), Some(2));
        assert_eq!(last(&[1.0, 0.0, 2.0, 3.0], 1), Some(1));
        assert_eq!(last(&[1.0, 2.0, 3.0], 1), None);
        assert_eq!(last(&[0.0; 6], 2), Some(2), "in silence anywhere");
        assert_eq!(last(&[1.0, 1.0, 2.0, -3.0, -1.0, -1.0], 2), Some(1), "of the sum of the channels");
        assert_eq!(last(&[], 1), None);
    }
}
