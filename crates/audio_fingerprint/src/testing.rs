//! Made audio for unit tests.

/// White noise, uniform in −0.5 to 0.5.
pub(crate) fn noise(seed: u32, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        // xorshift32 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 - 0.5
    };
    for _ in 0..8 {
        next();
    }
    (0..length).map(|_| next()).collect()
}
