//! Prints the speed of the stages of the analysis, each alone on one thread, in multiples of real time.
//!
//! ```text
//! cargo run --release -p audio_signal --example stages              # on noise
//! cargo run --release -p audio_signal --example stages RECORDING
//! ```

#![expect(clippy::print_stdout, reason = "what an example prints is what it is for")]

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use audio_signal::{LoudnessMeter, PyramidMeter, Resampler, SPEECH_RATE, SpeechDetector, TruePeakMeter};
use media_decode::{AudioFormat, Decoder};
use symphonia::core::audio::layouts;

/// Duration of the audio for each stage, and the number of frames per call.
const SECONDS: f64 = 120.0;
const CHUNK: usize = 1_152;
/// Number of runs of each stage, of which the fastest counts.
const RUNS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(recording) = std::env::args().nth(1) {
        return report_recording(Path::new(&recording));
    }
    let mono = noise(SPEECH_RATE, 1);
    report("speech detection, 16 kHz mono", SECONDS, || detect_speech(&mono))?;
    for (rate, layout, name) in [
        (44_100, layouts::CHANNEL_LAYOUT_STEREO, "44.1 kHz stereo"),
        (48_000, layouts::CHANNEL_LAYOUT_STEREO, "48 kHz stereo"),
        (48_000, layouts::CHANNEL_LAYOUT_5P1, "48 kHz 5.1"),
    ] {
        let samples = noise(rate, layout.count());
        report_meters(&AudioFormat { rate, layout, codec: "pcm_f32le".into() }, name, SECONDS, &samples)?;
    }
    Ok(())
}

/// All stages on the samples of `recording`, decoded before.
fn report_recording(recording: &Path) -> Result<(), Box<dyn Error>> {
    let mut decoder = Decoder::open(File::open(recording)?)?;
    let format = decoder.format().clone();
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block()? {
        samples.extend_from_slice(block.samples);
    }
    let seconds = (samples.len() / format.channels()) as f64 / f64::from(format.rate);
    report_meters(&format, &recording.display().to_string(), seconds, &samples)?;
    let mut mono = Vec::new();
    let mut resampler = Resampler::new(format.rate, &format.layout)?;
    resampler.push(&samples, &mut mono);
    resampler.finish(&mut mono);
    report("speech detection, 16 kHz mono", seconds, || detect_speech(&mono))
}

/// The stages that take samples as they are decoded.
fn report_meters(
    format: &AudioFormat,
    name: &str,
    seconds: f64,
    samples: &[f32],
) -> Result<(), Box<dyn Error>> {
    let chunks = || samples.chunks(CHUNK * format.channels());
    report(&format!("conversion to 16 kHz mono, {name}"), seconds, || convert(format, samples))?;
    report(&format!("loudness, {name}"), seconds, || {
        let mut meter = LoudnessMeter::new(format.rate, &format.layout)?;
        chunks().for_each(|chunk| meter.push(chunk));
        let profile = meter.finish();
        let _ = (profile.integrated_lufs(), profile.range_lu());
        Ok(())
    })?;
    report(&format!("true peak, {name}"), seconds, || {
        let mut meter = TruePeakMeter::new(format.channels());
        chunks().for_each(|chunk| meter.push(chunk));
        black_box(meter.finish());
        Ok(())
    })?;
    report(&format!("peaks of the waveform, {name}"), seconds, || {
        let mut meter = PyramidMeter::new(format, false);
        chunks().for_each(|chunk| meter.push(chunk));
        black_box(meter.finish());
        Ok(())
    })
}

fn detect_speech(mono: &[f32]) -> Result<(), Box<dyn Error>> {
    let (mut detector, mut out) = (SpeechDetector::new()?, Vec::new());
    mono.chunks(CHUNK).for_each(|chunk| detector.push(chunk, &mut out));
    detector.finish(&mut out);
    Ok(())
}

fn convert(format: &AudioFormat, samples: &[f32]) -> Result<(), Box<dyn Error>> {
    let (mut resampler, mut out) = (Resampler::new(format.rate, &format.layout)?, Vec::new());
    for chunk in samples.chunks(CHUNK * format.channels()) {
        out.clear();
        resampler.push(chunk, &mut out);
    }
    resampler.finish(&mut out);
    Ok(())
}

fn report(
    name: &str,
    seconds: f64,
    mut stage: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    stage()?;
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let started = Instant::now();
        stage()?;
        best = best.min(started.elapsed().as_secs_f64());
    }
    println!("{name:<46}{:>7.0} × real time", seconds / best);
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
