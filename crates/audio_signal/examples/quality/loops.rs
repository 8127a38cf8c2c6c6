//! Loops of constant tempo, made here: drums, bass and chords in bars of three to seven beats, with hi-hats on the beats'
//! halves, off the beats or swung. Their tempi and beats are exact.

pub(crate) const RATE: u32 = 44_100;
const SECONDS: f64 = 40.0;
/// Roots of the chords in Hz, a bar each.
const ROOTS: [f32; 4] = [130.8, 174.6, 196.0, 110.0];

/// What is played between the beats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Hats {
    /// Clicks on the beats, and nothing else at all.
    Clicks,
    Eighths,
    OffBeat,
    /// The second of each pair of eighths late, at two thirds of the beat.
    Swung,
}

/// A made loop.
pub(crate) struct Loop {
    pub(crate) bpm: f64,
    pub(crate) metre: usize,
    pub(crate) hats: Hats,
}

impl Loop {
    /// The time of each beat in s.
    pub(crate) fn beats(&self) -> Vec<f64> {
        let period = 60.0 / self.bpm;
        (0..(SECONDS / period) as usize).map(|beat| 0.31 + beat as f64 * period).collect()
    }

    pub(crate) fn samples(&self) -> Vec<f32> {
        let mut mono = vec![0.0; (SECONDS * f64::from(RATE)) as usize + RATE as usize];
        let period = 60.0 / self.bpm;
        for (beat, time) in self.beats().into_iter().enumerate() {
            let (bar, position) = (beat / self.metre, beat % self.metre);
            if self.hats == Hats::Clicks {
                let hertz = if position == 0 { 1_600.0 } else { 1_000.0 };
                add(&mut mono, time, 0.03, |t, _| 0.6 * wave(hertz, t) * (-80.0 * t).exp());
                continue;
            }
            let (kick, snare) = (is_kick(position, self.metre), is_snare(position, self.metre));
            if kick {
                add(&mut mono, time, 0.25, |t, _| {
                    0.7 * wave(50.0 + 60.0 * (-30.0 * t).exp(), t) * (-14.0 * t).exp()
                });
            }
            if snare {
                add(&mut mono, time, 0.2, |t, noise| {
                    (0.4 * noise + 0.2 * wave(190.0, t)) * (-22.0 * t).exp()
                });
            }
            let root = ROOTS[bar % ROOTS.len()];
            if position == 0 {
                let bar = period * self.metre as f64;
                add(&mut mono, time, 0.95 * bar, |t, _| 0.25 * wave(root / 2.0, t) * (-1.5 * t).exp());
                for ratio in [1.0, 1.26, 1.498] {
                    add(&mut mono, time, 0.95 * bar, |t, _| {
                        0.07 * harmonic(root * ratio, t) * (-1.2 * t).exp()
                    });
                }
            }
            let late = match self.hats {
                Hats::Eighths | Hats::OffBeat => 0.5,
                Hats::Swung => 2.0 / 3.0,
                Hats::Clicks => 0.0,
            };
            let hat = |t: f32, noise: f32| 0.18 * noise * (-70.0 * t).exp();
            if self.hats != Hats::OffBeat {
                add(&mut mono, time, 0.08, hat);
            }
            add(&mut mono, time + late * period, 0.08, hat);
        }
        mono
    }
}

fn is_kick(position: usize, metre: usize) -> bool {
    position == 0 || (matches!(metre, 4 | 6) && position == metre / 2) || (metre == 7 && position == 4)
}

fn is_snare(position: usize, metre: usize) -> bool {
    match metre {
        3 => position > 0,
        5 => position == 3,
        7 => matches!(position, 2 | 5),
        _ => position % 2 == 1,
    }
}

/// Adds a sound of `seconds` at `time`, given by its own time and white noise.
fn add(mono: &mut [f32], time: f64, seconds: f64, sound: impl Fn(f32, f32) -> f32) {
    let start = time * f64::from(RATE);
    let first = start.ceil() as usize;
    for (at, sample) in mono.iter_mut().enumerate().skip(first).take((seconds * f64::from(RATE)) as usize) {
        let t = ((at as f64 - start) / f64::from(RATE)) as f32;
        *sample += sound(t, hash(at as u32));
    }
}

/// White noise, ±1: a value for each index.
fn hash(index: u32) -> f32 {
    let mut state = index.wrapping_mul(0x9e37_79b9) ^ 0x85eb_ca6b;
    for shift in [16, 13, 16] {
        state = (state ^ (state >> shift)).wrapping_mul(0xc2b2_ae35);
    }
    state as f32 / u32::MAX as f32 * 2.0 - 1.0
}

fn wave(hertz: f32, t: f32) -> f32 {
    (std::f32::consts::TAU * hertz * t).sin()
}

fn harmonic(hertz: f32, t: f32) -> f32 {
    (1..6u8).map(|partial| wave(hertz * f32::from(partial), t) / f32::from(partial)).sum()
}
