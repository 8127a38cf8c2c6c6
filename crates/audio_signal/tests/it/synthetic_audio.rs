//! Recordings synthesised in memory.

use std::io::Cursor;

use media_decode::MediaInput;

/// A 16-bit WAV file of interleaved samples.
pub(crate) fn wav(rate: u32, channels: u16, interleaved: &[f32]) -> MediaInput {
    let samples: Vec<i16> =
        interleaved.iter().map(|sample| (sample.clamp(-1.0, 1.0) * 32_767.0) as i16).collect();
    Cursor::new(test_kit::wav(rate, channels, &samples)).into()
}

/// White noise of this amplitude.
pub(crate) fn noise(samples: usize, amplitude: f32) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / 8_388_608.0 - 1.0) * amplitude
    };
    (0..samples).map(|_| next()).collect()
}

/// A tune of decaying chords, three notes at a time, a chord each 400 ms.
pub(crate) fn tune(rate: u32, samples: usize) -> Vec<f32> {
    let step = rate as usize * 2 / 5;
    let chords = [[220.0, 277.2, 329.6], [246.9, 311.1, 370.0], [196.0, 246.9, 293.7], [164.8, 207.7, 246.9]];
    let note = |hertz: f32, t: f32| {
        let partial = |h: f32| (std::f32::consts::TAU * hertz * h * t).sin() / h;
        (1..8).map(|h| partial(h as f32)).sum::<f32>() * (-2.0 * t).exp()
    };
    (0..samples)
        .map(|n| {
            let t = (n % step) as f32 / rate as f32;
            chords[n / step % 4].iter().map(|&hertz| note(hertz, t)).sum::<f32>() * 0.08
        })
        .collect()
}
