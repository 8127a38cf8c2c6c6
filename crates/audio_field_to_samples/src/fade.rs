//! Short fades that prevent clicks at the ends of slices.

/// Raised-cosine fades at both ends of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fade {
    frames: [u64; 2],
    length: u64,
}

impl Fade {
    /// Fades of `frames` frames (in, out) for a slice of `length` frames; each is limited to half the length.
    pub(crate) fn new(frames: [u64; 2], length: u64) -> Self {
        Self { frames: frames.map(|frames| frames.min(length / 2)), length }
    }

    /// The lengths of the fade-in and the fade-out, in frames.
    pub(crate) const fn frames(self) -> [u64; 2] {
        self.frames
    }

    /// The gain of frame `position`; `None` between the fades, where samples are unchanged.
    pub(crate) fn gain(self, position: u64) -> Option<f32> {
        let ramp = |at: u64, frames: u64| {
            let share = (at as f64 + 0.5) / frames as f64;
            (0.5 - 0.5 * (std::f64::consts::PI * share).cos()) as f32
        };
        let [fade_in, fade_out] = self.frames;
        let left = self.length.saturating_sub(position + 1);
        if position < fade_in {
            Some(ramp(position, fade_in))
        } else if left < fade_out {
            Some(ramp(left, fade_out))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fade_gains_rise_from_zero_at_both_ends() {
        let fade = Fade::new([4, 2], 10);
        let gains: Vec<Option<f32>> = (0..10).map(|position| fade.gain(position)).collect();
        assert_eq!(gains[4..8], [None; 4]);
        assert!(gains[0].unwrap() < 0.05 && gains[3].unwrap() > 0.95);
        assert!(gains[8].unwrap() > 0.8 && gains[9].unwrap() < 0.2);
    }

    proptest! {
        #[test]
        fn gain_is_none_between_the_fades(fade_in in 0u64..50, fade_out in 0u64..50, length in 1u64..100) {
            let fade = Fade::new([fade_in, fade_out], length);
            let [first, last] = fade.frames();
            prop_assert!(first <= fade_in && last <= fade_out && first + last <= length);
            for position in 0..length {
                let within = position >= first && position < length - last;
                prop_assert_eq!(fade.gain(position).is_none(), within);
            }
        }
    }
}
