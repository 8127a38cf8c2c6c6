//! The key of music: a chroma of spectral peaks, and the key profile that it resembles most (C. L. Krumhansl, "Cognitive
//! Foundations of Musical Pitch", 1990; profiles by D. Temperley).

use std::f64::consts::TAU;

use super::frames::SpectrumFrames;
use super::profiles::{MAJOR, MINOR, correlation};
use crate::math::log10;

/// Spectra per second, and the minimum length of their windows in seconds.
const FRAME_RATE: u32 = 10;
const WINDOW_S: f64 = 0.15;
/// Range of the peaks in Hz.
const LOWEST_HZ: f64 = 100.0;
const HIGHEST_HZ: f64 = 2_500.0;
/// Frequency of the pitch class A, in Hz.
const CONCERT_A_HZ: f64 = 440.0;
/// Steps of the chroma: 10 cents.
const STEPS: usize = 120;
const STEPS_PER_SEMITONE: usize = STEPS / 12;
/// A peak has at least this power relative to the mean of the bins within a range around it, which are not its own.
const PROMINENCE: f32 = 10.0;
const NEIGHBOURS: usize = 16;
const OWN: usize = 2;
/// Power of a bin below which a frame is silent.
const SILENCE: f32 = 1e-10;

/// Music is tonal enough for a key if at least this share of the power is in peaks, on average over the frames, …
const MIN_TONAL: f64 = 0.25;
/// … if the peaks are this close to the semitones of one tuning (0 for any pitch, 1 for exact semitones), …
const MIN_TUNED: f64 = 0.3;
/// … if at least so many pitch classes are present, each with a twentieth of the whole, …
const MIN_CLASSES: usize = 5;
const PRESENT: f64 = 0.05;
/// … and if the profile of the key has this correlation with the chroma.
const MIN_CORRELATION: f64 = 0.65;
/// Keys compete by their correlations, times this in logits (fitted on synthetic chords, see docs/samples.md).
const SHARPNESS: f64 = 14.0;
/// Minimum confidence of a key.
const MIN_CONFIDENCE: f64 = 0.5;
/// Minimum number of frames with peaks.
const MIN_FRAMES: u64 = 8;

/// Names of the pitch classes.
const NAMES: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];

/// A musical key with its confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyEstimate {
    /// Pitch class of the tonic: 0 is C.
    tonic: usize,
    is_minor: bool,
    /// Confidence 0 to 1: how clearly this key fits better than the others.
    pub confidence: f64,
}

impl KeyEstimate {
    /// The name: `A minor`, `Bb major`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", NAMES[self.tonic], if self.is_minor { "minor" } else { "major" })
    }
}

/// Measures the key of a stream, in constant memory.
pub struct KeyMeter {
    frames: SpectrumFrames,
    chroma: Chroma,
}

/// Sums over frames.
struct Chroma {
    bin_hz: f64,
    /// Weights of the peaks by pitch, from A on, without octave.
    steps: [f64; STEPS],
    /// Sum of the shares of the power in peaks, and number of frames that are not silent.
    tonal: f64,
    frames: u64,
}

impl KeyMeter {
    /// A meter at the start of a stream of `rate` Hz.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let frames = SpectrumFrames::new(rate, FRAME_RATE, WINDOW_S, HIGHEST_HZ.min(f64::from(rate) / 2.0));
        let chroma = Chroma { bin_hz: frames.bin_hz(), steps: [0.0; STEPS], tonal: 0.0, frames: 0 };
        Self { frames, chroma }
    }

    /// Adds `mono`, finite samples (full scale ±1); the result does not depend on how they are split into calls.
    pub fn push(&mut self, mono: &[f32]) {
        let Self { frames, chroma } = self;
        frames.push(mono, |_, powers| chroma.add(powers));
    }

    /// Ends the stream; `None` for audio that is not tonal enough, or whose key is not clear.
    #[must_use]
    pub fn finish(self) -> Option<KeyEstimate> {
        let Self { frames, mut chroma } = self;
        frames.finish(|_, powers| chroma.add(powers));
        chroma.key()
    }
}

impl Chroma {
    fn add(&mut self, powers: &[f32]) {
        let first = ((LOWEST_HZ / self.bin_hz).ceil() as usize).max(OWN + 1);
        let Some(total) = powers.get(first..).map(|powers| powers.iter().sum::<f32>()) else { return };
        if total.is_nan() || total <= SILENCE {
            return;
        }
        let mut peaks: Vec<(f64, f64)> = Vec::new();
        let mut in_peaks = 0.0;
        for bin in first..powers.len().saturating_sub(1) {
            if is_peak(powers, bin) {
                let [below, own, above] =
                    [bin - 1, bin, bin + 1].map(|bin| log10(powers[bin] + SILENCE * 1e-4));
                // The vertex of the parabola through the levels.
                let offset = 0.5 * (below - above) / (below - 2.0 * own + above);
                let hertz = self.bin_hz * (bin as f64 + f64::from(offset));
                peaks.push((hertz, f64::from(powers[bin]).sqrt()));
                in_peaks += powers[bin - 1] + powers[bin] + powers[bin + 1];
            }
        }
        self.frames += 1;
        self.tonal += f64::from(in_peaks / total).min(1.0);
        let loudest = peaks.iter().fold(0.0, |most: f64, (_, magnitude)| most.max(*magnitude));
        for (hertz, magnitude) in peaks {
            let octaves = (hertz / CONCERT_A_HZ).log2();
            let step = ((octaves - octaves.floor()) * STEPS as f64) as usize;
            // Loud and quiet moments count alike, and of a chord all tones.
            self.steps[step.min(STEPS - 1)] += (magnitude / loudest).sqrt();
        }
    }

    fn key(&self) -> Option<KeyEstimate> {
        let (tuning, tuned) = self.tuning()?;
        let chroma = self.classes(tuning);
        let total: f64 = chroma.iter().sum();
        let present = chroma.iter().filter(|weight| **weight >= PRESENT * total).count();
        let tonal = self.tonal / self.frames.max(1) as f64;
        if self.frames < MIN_FRAMES || tonal < MIN_TONAL || tuned < MIN_TUNED || present < MIN_CLASSES {
            return None;
        }
        let keys = (0..24).map(|key| {
            let (tonic, is_minor) = (key % 12, key >= 12);
            (tonic, is_minor, correlation(&chroma, if is_minor { &MINOR } else { &MAJOR }, tonic))
        });
        let keys: Vec<(usize, bool, f64)> = keys.collect();
        // The first of equal ones.
        let &(tonic, is_minor, best) =
            keys.iter().reduce(|best, key| if key.2 > best.2 { key } else { best })?;
        let others: f64 = keys.iter().map(|(_, _, other)| (SHARPNESS * (other - best)).exp()).sum();
        let confidence = 1.0 / others;
        (best >= MIN_CORRELATION && confidence >= MIN_CONFIDENCE).then_some(KeyEstimate {
            tonic,
            is_minor,
            confidence,
        })
    }

    /// By how much the semitones are above those of concert pitch, in steps, and how close the peaks are to them.
    fn tuning(&self) -> Option<(f64, f64)> {
        let (mut x, mut y, mut total) = (0.0, 0.0, 0.0);
        for (step, weight) in self.steps.iter().enumerate() {
            let angle = TAU * (step as f64 + 0.5) / STEPS_PER_SEMITONE as f64;
            x += weight * angle.cos();
            y += weight * angle.sin();
            total += weight;
        }
        let tuning = y.atan2(x) / TAU * STEPS_PER_SEMITONE as f64;
        (total > 0.0).then(|| (tuning, x.hypot(y) / total))
    }

    /// The weight of each pitch class from C on, by the distance of the peaks to its semitone.
    fn classes(&self, tuning: f64) -> [f64; 12] {
        let mut classes = [0.0; 12];
        for (step, weight) in self.steps.iter().enumerate() {
            let semitone = (step as f64 + 0.5 - tuning) / STEPS_PER_SEMITONE as f64;
            let nearest = semitone.round();
            let closeness = 1.0 - 2.0 * (semitone - nearest).abs();
            // A is the ninth pitch class from C on.
            classes[(nearest as i64 + 9).rem_euclid(12) as usize] += weight * closeness;
        }
        classes
    }
}

/// Whether the power of `bin` is the highest of its neighbours, and prominent among those further away.
fn is_peak(powers: &[f32], bin: usize) -> bool {
    let own = powers[bin];
    if own <= powers[bin - 1] || own < powers[bin + 1] || own <= SILENCE {
        return false;
    }
    let below = &powers[bin.saturating_sub(NEIGHBOURS)..bin.saturating_sub(OWN)];
    let above = &powers[(bin + OWN + 1).min(powers.len())..(bin + NEIGHBOURS + 1).min(powers.len())];
    let count = (below.len() + above.len()).max(1) as f32;
    let mean = (below.iter().sum::<f32>() + above.iter().sum::<f32>()) / count;
    own >= PROMINENCE * mean
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 22_050;

    /// Chords of half a second, each of MIDI pitches with eight partials, `cents` above concert pitch.
    fn chords(chords: &[&[i32]], cents: f64) -> Vec<f32> {
        let half = RATE as usize / 2;
        let mut samples = Vec::new();
        for chord in chords {
            samples.extend((0..half).map(|n| {
                let time = n as f64 / f64::from(RATE);
                let partial = |pitch: i32, partial: i32| {
                    let semitones = f64::from(pitch - 69) + cents / 100.0;
                    let hertz = 440.0 * (semitones / 12.0).exp2() * f64::from(partial);
                    (TAU * hertz * time).sin() / f64::from(partial)
                };
                let tone = |pitch: &i32| (1..9).map(|number| partial(*pitch, number)).sum::<f64>();
                (0.05 * chord.iter().map(tone).sum::<f64>() * (-2.0 * time).exp()) as f32
            }));
        }
        samples
    }

    fn noise(count: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as i32 as f32 / i32::MAX as f32
        };
        (0..count).map(|_| next()).collect()
    }

    fn key_of(samples: &[f32]) -> Option<KeyEstimate> {
        let mut meter = KeyMeter::new(RATE);
        samples.chunks(1_000).for_each(|part| meter.push(part));
        meter.finish()
    }

    #[test]
    fn cadences_have_their_key_in_every_transposition_and_tuning() {
        for tonic in 0..12 {
            for cents in [0.0, 30.0, -45.0] {
                let major: Vec<Vec<i32>> = [[0, 4, 7], [5, 9, 12], [7, 11, 14], [0, 4, 7]]
                    .map(|chord| chord.map(|pitch| 57 + tonic + pitch).to_vec())
                    .to_vec();
                let minor: Vec<Vec<i32>> = [[0, 3, 7], [5, 8, 12], [7, 11, 14], [0, 3, 7]]
                    .map(|chord| chord.map(|pitch| 57 + tonic + pitch).to_vec())
                    .to_vec();
                for (cadence, mode) in [(major, "major"), (minor, "minor")] {
                    let cadence: Vec<&[i32]> = cadence.iter().map(Vec::as_slice).collect();
                    let found = key_of(&chords(&cadence, cents)).expect("a key");
                    let expected = format!("{} {mode}", NAMES[(tonic as usize + 9) % 12]);
                    assert_eq!(found.name(), expected, "{cents} cents, confidence {}", found.confidence);
                }
            }
        }
    }

    #[test]
    fn noise_silence_single_tones_and_short_audio_have_no_key() {
        assert_eq!(key_of(&noise(4 * RATE as usize)), None);
        assert_eq!(key_of(&[0.0; 4 * RATE as usize]), None);
        assert_eq!(key_of(&[]), None);
        assert_eq!(key_of(&chords(&[[69].as_slice(); 6], 0.0)), None, "an A is in many keys");
        assert_eq!(key_of(&chords(&[&[57, 61, 64]], 0.0)[..3_000]), None);
    }

    #[test]
    fn key_does_not_depend_on_chunks() {
        let samples = chords(&[&[60, 64, 67], &[65, 69, 72], &[67, 71, 74], &[60, 64, 67]], 0.0);
        let mut meter = KeyMeter::new(RATE);
        meter.push(&samples);
        assert_eq!(meter.finish(), key_of(&samples));
    }
}
