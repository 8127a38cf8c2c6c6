//! Generates pseudorandom audio without speech.

use crate::recordings::Lot;

pub(crate) const RATE: u32 = 16_000;

/// Clip `number`: 2 to 12 s of silence, noise, a sliding tone, clicks or music.
pub(crate) fn clip(number: u64) -> Vec<f32> {
    let mut lot = Lot::new(number);
    let length = lot.between(2.0, 12.0) * RATE as f32;
    let mut sound: Vec<f32> = match number % 5 {
        0 => vec![0.0; length as usize],
        1 => noise(&mut lot, length as usize),
        2 => tone(&mut lot, length as usize),
        3 => clicks(&mut lot, length as usize),
        _ => music(&mut lot, length as usize),
    };
    let peak = sound.iter().fold(1e-6_f32, |peak, sample| peak.max(sample.abs()));
    let level = 10_f32.powf(lot.between(-3.0, 0.0)) / peak;
    sound.iter_mut().for_each(|sample| *sample *= level);
    sound
}

/// White to brown noise, steady or pulsing at a syllable rate.
fn noise(lot: &mut Lot, length: usize) -> Vec<f32> {
    let (memory, pulse) = (lot.between(0.0, 0.99), lot.between(0.3, 6.0));
    let depth = if lot.between(0.0, 1.0) < 0.5 { lot.between(0.5, 1.0) } else { 0.0 };
    let mut last = 0.0;
    let sample = |index: usize| {
        last = memory * last + lot.between(-1.0, 1.0);
        let swing = (std::f32::consts::TAU * pulse * seconds(index)).sin().max(0.0);
        last * (1.0 - depth + depth * swing)
    };
    (0..length).map(sample).collect()
}

fn tone(lot: &mut Lot, length: usize) -> Vec<f32> {
    let (pitch, slide) = (lot.between(40.0, 3_000.0), lot.between(-100.0, 100.0));
    let phase = |index| std::f32::consts::TAU * seconds(index) * (pitch + slide * seconds(index));
    (0..length).map(|index| phase(index).sin() + 0.05 * lot.between(-1.0, 1.0)).collect()
}

fn clicks(lot: &mut Lot, length: usize) -> Vec<f32> {
    let mut sound: Vec<f32> = (0..length).map(|_| 1e-4 * lot.between(-1.0, 1.0)).collect();
    for _ in 0..lot.between(1.0, 40.0) as usize {
        sound[lot.between(0.0, length as f32) as usize] = lot.between(-1.0, 1.0);
    }
    sound
}

/// Chords of plucked partials, with or without drum hits.
fn music(lot: &mut Lot, length: usize) -> Vec<f32> {
    const STEPS: [f32; 7] = [0.0, 3.0, 4.0, 7.0, 9.0, 12.0, 16.0];
    let beat = (lot.between(0.12, 0.8) * RATE as f32) as usize;
    let (root, decay) = (lot.between(50.0, 330.0), lot.between(0.05, 2.0));
    let (partials, drums) = (1 + lot.below(7), lot.below(2));
    let mut sound = vec![0.0; length];
    for start in (0..length).step_by(beat) {
        for _ in 0..1 + lot.below(4) {
            let pitch = root * 2_f32.powf(STEPS[lot.below(STEPS.len())] / 12.0);
            for (index, sample) in sound[start..].iter_mut().take(2 * beat).enumerate() {
                let phase = std::f32::consts::TAU * pitch * seconds(index);
                let wave: f32 =
                    (1..=partials).map(|partial| (phase * partial as f32).sin() / partial as f32).sum();
                *sample += wave * (-seconds(index) / decay).exp();
            }
        }
        for (index, sample) in sound[start..].iter_mut().take(drums * beat).enumerate() {
            *sample += 2.0 * lot.between(-1.0, 1.0) * (-seconds(index) * 20.0).exp();
        }
    }
    sound
}

fn seconds(index: usize) -> f32 {
    index as f32 / RATE as f32
}
