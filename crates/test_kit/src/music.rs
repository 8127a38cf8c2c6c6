//! Made music: notes with harmonics in several voices, and a little noise. Each seed is another piece.

/// Sample rate of the pieces, in Hz.
pub const RATE: usize = 16_000;

/// Pseudo-random numbers from 0 to 1 (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1 << 24) as f32
    }
}

/// A piece of `seconds` seconds.
#[must_use]
pub fn piece(seed: u64, seconds: usize) -> Vec<f32> {
    let mut random = Random(seed * 0x9E37_79B9 + 0x1234_5678_9ABC);
    for _ in 0..10 {
        random.next();
    }
    let length = seconds * RATE;
    let mut samples: Vec<f32> = (0..length).map(|_| 0.004 * (random.next() - 0.5)).collect();
    for _voice in 0..4 {
        let mut start = 0;
        while start < length {
            let duration = ((0.08 + 0.4 * random.next()) * RATE as f32) as usize;
            let hertz = 110.0 * (3.5 * random.next()).exp2();
            let level = 0.02 + 0.1 * random.next();
            let harmonics = 2 + (5.0 * random.next()) as usize;
            for n in 0..duration.min(length - start) {
                let envelope = (n as f32 / 80.0).min(1.0) * (1.0 - n as f32 / duration as f32);
                let phase = n as f32 / RATE as f32 * hertz * std::f32::consts::TAU;
                let tone: f32 = (1..=harmonics).map(|k| (k as f32 * phase).sin() / k as f32).sum();
                samples[start + n] += level * envelope * tone;
            }
            start += duration;
        }
    }
    samples
}

/// `samples` played at `speed`, by cubic interpolation.
#[must_use]
pub fn at_speed(samples: &[f32], speed: f64) -> Vec<f32> {
    let at = |index: i64| usize::try_from(index).ok().and_then(|i| samples.get(i)).copied().unwrap_or(0.0);
    let count = (samples.len() as f64 / speed) as usize;
    let value = |n: usize| {
        let position = n as f64 * speed;
        let (whole, t) = (position.floor() as i64, position.fract() as f32);
        let [a, b, c, d] = [-1, 0, 1, 2].map(|k| at(whole + k));
        b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
    };
    (0..count).map(value).collect()
}

/// A recording of `samples` by another recorder: quieter, with its own noise.
#[must_use]
pub fn recorded(samples: &[f32], seed: u64) -> Vec<f32> {
    let mut random = Random(seed);
    samples.iter().map(|sample| 0.4 * sample + 0.02 * (random.next() - 0.5)).collect()
}
