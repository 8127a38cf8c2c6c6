use media_time::MediaTime;

/// Largest shift of a hit, in µs: 8 ms, about the accuracy of tight players.
const MAX_SHIFT_US: u64 = 8_000;
/// Largest reduction of a hit's velocity, as a fraction of it.
const MAX_SOFTENING: f64 = 0.15;

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): small, and its
/// outputs are the same on every platform, on which a pattern's hash relies.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// A generator whose outputs depend on `seed` only.
    #[must_use]
    pub const fn new(seed: i64) -> Self {
        Self(seed.cast_unsigned())
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number below `bound`, at least 0; 0 if `bound` is 0. Not exactly uniform: smaller numbers are more likely by
    /// at most `bound / 2⁶⁴`.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// Shift of the next hit, negative for early: within ±8 ms and ± a quarter of a step.
    pub(crate) fn shift(&mut self, step: MediaTime) -> MediaTime {
        let most = MAX_SHIFT_US.min(step.as_micros().unsigned_abs() / 4);
        let drawn = self.next() % (2 * most + 1);
        MediaTime::from_micros(drawn.cast_signed() - most.cast_signed())
    }

    /// Velocity of the next hit: reduced by at most 15 %.
    pub(crate) fn soften(&mut self, velocity: f64) -> f64 {
        // The upper 53 bits, as many as a double's mantissa has: uniform in [0, 1).
        let drawn = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        velocity * (1.0 - MAX_SOFTENING * drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs for seed 1234567, as published with the reference implementation.
    #[test]
    fn generator_matches_the_splitmix64_reference() {
        let mut generator = SplitMix64::new(1_234_567);
        let drawn = [generator.next(), generator.next(), generator.next()];
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn numbers_are_below_their_bound() {
        let mut generator = SplitMix64::new(3);
        let mut seen = [0; 5];
        (0..500).for_each(|_| seen[generator.below(5)] += 1);
        assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
        assert_eq!((generator.below(0), generator.below(1)), (0, 0));
    }

    #[test]
    fn shifts_are_bounded_in_both_directions() {
        let mut generator = SplitMix64::new(-1);
        let step = MediaTime::from_millis(20);
        let shifts: Vec<i64> = (0..500).map(|_| generator.shift(step).as_micros()).collect();
        assert!(shifts.iter().all(|shift| shift.abs() <= 5_000));
        assert!(shifts.iter().any(|shift| *shift < -4_000) && shifts.iter().any(|shift| *shift > 4_000));
        let softened: Vec<f64> = (0..500).map(|_| generator.soften(0.8)).collect();
        assert!(softened.iter().all(|velocity| (0.68..=0.8).contains(velocity)));
        assert_eq!(generator.shift(MediaTime::ZERO), MediaTime::ZERO);
    }
}
