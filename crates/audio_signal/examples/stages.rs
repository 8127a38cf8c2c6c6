//! Prints the speed of the first stages of the analysis, each alone on one thread, in multiples of real time.
//!
//! ```text
//! cargo run --release -p audio_signal --example stages
//! ```

#![expect(clippy::print_stdout, reason = "what an example prints is what it is for")]

use std::error::Error;
use std::time::Instant;

use audio_signal::{LoudnessMeter, Resampler, SPEECH_RATE, SpeechDetector};
use symphonia::core::audio::{Channels, layouts};

/// Duration of the audio for each stage, and the number of frames per call.
const SECONDS: u32 = 120;
const CHUNK: usize = 1_152;
/// Number of runs of each stage, of which the fastest counts.
const RUNS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let mono = noise(SPEECH_RATE, 1);
    report("speech detection, 16 kHz mono", || {
        let (mut detector, mut out) = (SpeechDetector::new()?, Vec::new());
        mono.chunks(CHUNK).for_each(|chunk| detector.push(chunk, &mut out));
        detector.finish(&mut out);
        Ok(())
    })?;
    for (rate, layout, name) in [
        (44_100, layouts::CHANNEL_LAYOUT_STEREO, "44.1 kHz stereo"),
        (48_000, layouts::CHANNEL_LAYOUT_STEREO, "48 kHz stereo"),
        (48_000, layouts::CHANNEL_LAYOUT_5P1, "48 kHz 5.1"),
    ] {
        let samples = noise(rate, layout.count());
        report(&format!("conversion to 16 kHz mono, {name}"), || convert(rate, &layout, &samples))?;
        report(&format!("loudness, {name}"), || measure(rate, &layout, &samples))?;
    }
    Ok(())
}

fn convert(rate: u32, layout: &Channels, samples: &[f32]) -> Result<(), Box<dyn Error>> {
    let (mut resampler, mut out) = (Resampler::new(rate, layout)?, Vec::new());
    for chunk in samples.chunks(CHUNK * layout.count()) {
        out.clear();
        resampler.push(chunk, &mut out);
    }
    resampler.finish(&mut out);
    Ok(())
}

fn measure(rate: u32, layout: &Channels, samples: &[f32]) -> Result<(), Box<dyn Error>> {
    let mut meter = LoudnessMeter::new(rate, layout)?;
    samples.chunks(CHUNK * layout.count()).for_each(|chunk| meter.push(chunk));
    let profile = meter.finish();
    let _ = (profile.integrated_lufs(), profile.range_lu());
    Ok(())
}

fn report(name: &str, mut stage: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    stage()?;
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let started = Instant::now();
        stage()?;
        best = best.min(started.elapsed().as_secs_f64());
    }
    println!("{name:<46}{:>7.0} × real time", f64::from(SECONDS) / best);
    Ok(())
}

/// Reproducible white noise, interleaved.
fn noise(rate: u32, channels: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0.1 * (state as i32 as f32 / i32::MAX as f32)
    };
    (0..rate as usize * SECONDS as usize * channels).map(|_| next()).collect()
}
