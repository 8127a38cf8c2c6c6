//! Brightness of a hit, and the features by which its role is estimated.

use super::frames::SpectrumFrames;
use super::role::{HitRole, RoleEstimate};
use crate::math::log10;

/// Spectra per second, and the minimum length of their windows in seconds.
const FRAME_RATE: u32 = 100;
const WINDOW_S: f64 = 0.04;
/// Edges of the bands in Hz.
const EDGES_HZ: [f64; BANDS + 1] =
    [20.0, 60.0, 100.0, 160.0, 250.0, 400.0, 700.0, 1_200.0, 2_000.0, 3_500.0, 6_000.0, 10_000.0, 16_000.0];
const BANDS: usize = 12;
/// First frames after the attack, the body and the tail.
const ATTACK_END: u64 = 5;
const BODY_END: u64 = 15;
const TAIL_END: u64 = 40;
/// Range of the flatness of the spectrum, and the end of that of the pitch of drums, in Hz.
const FLATNESS_HZ: [f64; 2] = [1_000.0, 8_000.0];
const PITCH_HZ: f64 = 1_000.0;
/// Number and rate of the levels of the first 60 ms.
const LEVELS: usize = 30;
const LEVEL_RATE: u64 = 500;
/// Added to relative powers, before their logarithm.
const FLOOR: f32 = 1e-4;
/// Share of the whole power below which the power of a bin has no meaning.
const LEAKAGE: f32 = 1e-8;
/// Total power of the attack below which nothing can be measured.
const SILENCE: f32 = 1e-14;

/// Number of features of a hit.
pub const HIT_FEATURES: usize = 2 * BANDS + 8;

/// Measured properties of a hit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HitDescriptor {
    /// Spectral centroid in Hz: the mean frequency, weighted by power, over the whole hit.
    pub brightness_hz: f64,
    /// Its role in a beat.
    pub role: RoleEstimate,
}

/// Measures a hit, from its rise to the end of its decay. Memory does not depend on its length.
pub struct HitMeter {
    rate: u64,
    frames: SpectrumFrames,
    sums: Sums,
    /// Power of the differences of neighbouring samples in steps of 2 ms from the rise on.
    levels: [f32; LEVELS],
    last: f32,
    taken: u64,
}

/// Sums over frames.
struct Sums {
    bin_hz: f64,
    /// First bin of each band, and the end of the last one.
    edges: [usize; BANDS + 1],
    power: f64,
    moment: f64,
    /// The same of the attack alone.
    attack_power: f64,
    attack_moment: f64,
    attack: [f32; BANDS],
    body: [f32; BANDS],
    tail: f32,
    /// Power of each bin in attack and body.
    spectrum: Vec<f32>,
}

impl HitMeter {
    /// A meter at the rise of a hit in a recording of `rate` Hz.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let frames = SpectrumFrames::new(rate, FRAME_RATE, WINDOW_S, f64::from(rate) / 2.0);
        let bin_hz = frames.bin_hz();
        let edges = EDGES_HZ.map(|hertz| ((hertz / bin_hz).round() as usize).min(frames.bins()));
        let sums = Sums {
            bin_hz,
            edges,
            power: 0.0,
            moment: 0.0,
            attack_power: 0.0,
            attack_moment: 0.0,
            attack: [0.0; BANDS],
            body: [0.0; BANDS],
            tail: 0.0,
            spectrum: vec![0.0; frames.bins()],
        };
        Self { rate: rate.into(), frames, sums, levels: [0.0; LEVELS], last: 0.0, taken: 0 }
    }

    /// Adds `mono`, finite samples (full scale ±1); the result does not depend on how they are split into calls.
    pub fn push(&mut self, mono: &[f32]) {
        for sample in mono {
            let level = (self.taken * LEVEL_RATE / self.rate) as usize;
            let Some(level) = self.levels.get_mut(level) else { break };
            *level += (sample - self.last) * (sample - self.last);
            self.last = *sample;
            self.taken += 1;
        }
        let Self { frames, sums, .. } = self;
        frames.push(mono, |frame, powers| sums.add(frame, powers));
    }

    /// Ends the hit; `None` for silence.
    #[must_use]
    pub fn finish(self) -> Option<HitDescriptor> {
        let (sums, levels) = self.complete();
        let features = sums.features(&levels)?;
        Some(HitDescriptor { brightness_hz: sums.moment / sums.power, role: HitRole::estimate(&features) })
    }

    fn complete(self) -> (Sums, [f32; LEVELS]) {
        let Self { frames, mut sums, levels, .. } = self;
        frames.finish(|frame, powers| sums.add(frame, powers));
        (sums, levels)
    }
}

/// The features of a hit of `mono` samples at `rate` Hz, for fitting (see `tools/hits/fit.py`); `None` for silence.
#[must_use]
pub fn hit_features(mono: &[f32], rate: u32) -> Option<[f32; HIT_FEATURES]> {
    let mut meter = HitMeter::new(rate);
    meter.push(mono);
    let (sums, levels) = meter.complete();
    sums.features(&levels)
}

impl Sums {
    fn add(&mut self, frame: u64, powers: &[f32]) {
        let (mut power, mut moment) = (0.0, 0.0);
        for (bin, value) in powers.iter().enumerate().skip(1) {
            power += f64::from(*value);
            moment += bin as f64 * f64::from(*value);
        }
        self.power += power;
        self.moment += self.bin_hz * moment;
        if frame < ATTACK_END {
            self.attack_power += power;
            self.attack_moment += self.bin_hz * moment;
        }
        if frame < BODY_END {
            let bands = if frame < ATTACK_END { &mut self.attack } else { &mut self.body };
            for (band, sum) in bands.iter_mut().enumerate() {
                *sum += powers[self.edges[band]..self.edges[band + 1]].iter().sum::<f32>();
            }
            self.spectrum.iter_mut().zip(powers).for_each(|(sum, power)| *sum += power);
        } else if frame < TAIL_END {
            self.tail += power as f32;
        }
    }

    /// The features, each of the order of 1; `None` for silence.
    fn features(&self, levels: &[f32; LEVELS]) -> Option<[f32; HIT_FEATURES]> {
        let total: f32 = self.attack.iter().sum();
        if total.is_nan() || total <= SILENCE {
            return None;
        }
        let relative = |power: f32| log10(power / total + FLOOR);
        let [attack, body] = [self.attack, self.body].map(|bands| bands.map(relative));
        let body_total: f32 = self.body.iter().sum();
        let centroid = (self.attack_moment / self.attack_power) as f32;
        let [pitch, peak] = self.pitch();
        let [late, rough] = shape(levels);
        let others = [
            relative(body_total),
            relative(self.tail),
            log10(centroid.max(1.0)),
            self.flatness(),
            log10(pitch.max(1.0)),
            log10(peak / (total + body_total) + FLOOR),
            late,
            rough,
        ];
        let mut features = [0.0; HIT_FEATURES];
        let values = attack.into_iter().chain(body).chain(others);
        features.iter_mut().zip(values).for_each(|(feature, value)| *feature = value);
        Some(features)
    }

    /// Mean logarithm of the powers in [`FLATNESS_HZ`] minus the logarithm of their mean: 0 for a flat spectrum.
    fn flatness(&self) -> f32 {
        let [from, to] = FLATNESS_HZ.map(|hertz| ((hertz / self.bin_hz) as usize).min(self.spectrum.len()));
        let bins = &self.spectrum[from..to];
        let count = bins.len().max(1) as f32;
        // Far below the rest of the spectrum there is only leakage of the window.
        let leakage = LEAKAGE * self.spectrum.iter().sum::<f32>();
        let mean = bins.iter().sum::<f32>() / count + leakage;
        bins.iter().map(|power| log10(power / mean + FLOOR)).sum::<f32>() / count
    }

    /// Frequency in Hz and power of the strongest bin below [`PITCH_HZ`], with its neighbours.
    fn pitch(&self) -> [f32; 2] {
        let end = ((PITCH_HZ / self.bin_hz) as usize).min(self.spectrum.len().saturating_sub(1));
        let mut best = [0.0; 2];
        for bin in 1..end {
            let [below, own, above] = [bin - 1, bin, bin + 1].map(|bin| self.spectrum[bin]);
            let power = below + own + above;
            if power > best[1] {
                let offset = (above - below) / power;
                best = [(bin as f32 + offset) * self.bin_hz as f32, power];
            }
        }
        best
    }
}

/// Centre of the power in units of 10 ms, and how much it rises and falls: claps consist of several bursts.
fn shape(levels: &[f32; LEVELS]) -> [f32; 2] {
    let total = levels.iter().sum::<f32>() + f32::MIN_POSITIVE;
    let moment: f32 = levels.iter().zip(0_u8..).map(|(level, step)| level * f32::from(step)).sum();
    let steps = levels.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum::<f32>();
    [0.2 * moment / total, steps / total]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f32, seconds: f32) -> Vec<f32> {
        let value = |n: usize| {
            let time = n as f32 / rate as f32;
            0.5 * (-6.0 * time).exp() * (std::f32::consts::TAU * hertz * time).sin()
        };
        (0..(seconds * rate as f32) as usize).map(value).collect()
    }

    #[test]
    fn brightness_is_the_frequency_of_a_tone_at_any_rate() {
        for rate in [8_000, 22_050, 44_100, 96_000] {
            let mut meter = HitMeter::new(rate);
            tone(rate, 1_000.0, 0.7).chunks(333).for_each(|part| meter.push(part));
            let found = meter.finish().unwrap();
            assert!((found.brightness_hz - 1_000.0).abs() < 60.0, "{rate} Hz: {}", found.brightness_hz);
        }
    }

    #[test]
    fn brightness_is_weighted_by_power() {
        let (low, high) = (tone(44_100, 500.0, 0.5), tone(44_100, 5_000.0, 0.5));
        let mut meter = HitMeter::new(44_100);
        // A quarter of the power, half of the amplitude, is at 5 kHz.
        let mix: Vec<f32> = low.iter().zip(&high).map(|(low, high)| low + high / 3_f32.sqrt()).collect();
        meter.push(&mix);
        let found = meter.finish().unwrap().brightness_hz;
        assert!((found - 1_625.0).abs() < 60.0, "{found}");
    }

    #[test]
    fn hit_features_do_not_depend_on_chunks_or_level() {
        let samples = tone(44_100, 180.0, 0.4);
        let of = |gain: f32, chunk: usize| {
            let mut meter = HitMeter::new(44_100);
            let scaled: Vec<f32> = samples.iter().map(|sample| gain * sample).collect();
            scaled.chunks(chunk).for_each(|part| meter.push(part));
            let (sums, levels) = meter.complete();
            sums.features(&levels).unwrap()
        };
        let whole = hit_features(&samples, 44_100).unwrap();
        assert_eq!(of(1.0, 7), whole);
        for (a, b) in of(0.001, 20_000).iter().zip(whole) {
            assert!((a - b).abs() < 0.01, "{a} {b}");
        }
    }

    #[test]
    fn silence_and_empty_hits_have_no_descriptor() {
        assert_eq!(HitMeter::new(44_100).finish(), None);
        assert_eq!(hit_features(&[0.0; 5_000], 44_100), None);
        assert_eq!(hit_features(&[0.0; 50], 1_000), None);
        // A single sample is a click, not an error.
        assert!(
            hit_features(&[0.5], 44_100).is_some_and(|found| found.iter().all(|value| value.is_finite()))
        );
    }
}
