//! Length errors of loops in patterns that repeat exactly, with noise that does not.

use std::f64::consts::TAU;
use std::fs::File;
use std::io::Cursor;

use audio_field_to_samples::extract::{FeatureSet, extract};
use audio_field_to_samples::loops::{LoopParams, detect};
use audio_signal::Control;

use media_time::MediaTime;

use crate::calibration::{HEADER, Reliability};
use crate::corpus;
use crate::score::{mean, median};

const RATE: u32 = 44_100;
const SECONDS: f64 = 30.0;
/// Tempi in beats per minute.
const TEMPI: [f64; 6] = [84.0, 93.3, 101.7, 118.0, 126.5, 141.2];
/// Levels of the noise in dB relative to the loudest stroke.
const NOISE_DB: [f64; 3] = [-60.0, -40.0, -25.0];

/// Tolerance of a downbeat in seconds.
const TOLERANCE: f64 = 0.07;

/// Prints one line per noise level.
pub(crate) fn print() {
    println!(
        "\nloops of a synthetic two-bar pattern, {SECONDS} s at {} tempi; default parameters",
        TEMPI.len()
    );
    println!(
        "{:<10}{:>8}{:>14}{:>17}{:>17}",
        "noise", "loops", "at the tempo", "median |error|", "largest |error|"
    );
    let mut reliability = Reliability::default();
    for noise_db in NOISE_DB {
        let (mut errors, mut at_tempo) = (Vec::new(), Vec::new());
        for bpm in TEMPI {
            let features = extract(
                &Cursor::new(wav(&pattern(bpm, noise_db))).into(),
                FeatureSet { rhythm: false, bands: true },
                &Control::none(),
            )
            .expect("a recording");
            for found in detect(&features, &LoopParams::default()) {
                let length = (found.slice.end - found.slice.start) as f64 / f64::from(RATE);
                let beats = (length * bpm / 60.0).round();
                errors.push((length - beats * 60.0 / bpm).abs() * 1e3);
                let is_at_tempo = beats == f64::from(4 * found.bars);
                at_tempo.push(if is_at_tempo { 1.0 } else { 0.0 });
                reliability.add(found.confidence, is_at_tempo);
            }
        }
        println!(
            "{:<10}{:>8}{:>12.0} %{:>14.2} ms{:>14.2} ms",
            format!("{noise_db} dB"),
            errors.len(),
            100.0 * mean(at_tempo),
            median(&errors).unwrap_or(f64::NAN),
            errors.iter().copied().fold(f64::NAN, f64::max),
        );
    }
    println!("{HEADER}\n{}", reliability.row("loops at the tempo"));
    println!("{}", recorded().row("loops in drums/ (unseen)"));
}

/// Loops of drums/, with any confidence: right where both ends are downbeats, as many bars apart as the loop has.
fn recorded() -> Reliability {
    let mut reliability = Reliability::default();
    let params = LoopParams { min_confidence: 0.0, ..LoopParams::default() };
    for recording in corpus::recordings(&corpus::root().join("drums")) {
        let file = File::open(&recording).expect("the recording").into();
        let features =
            extract(&file, FeatureSet { rhythm: true, bands: true }, &Control::none()).expect("a recording");
        let beats = corpus::fields(&recording, "beats");
        let downbeats: Vec<f64> = beats
            .iter()
            .filter(|fields| fields[1] == "1")
            .map(|fields| fields[0].parse().expect("a number"))
            .collect();
        let line = |time: MediaTime| {
            downbeats.iter().position(|line| (line - time.as_secs_f64()).abs() <= TOLERANCE)
        };
        for found in detect(&features, &params) {
            let ends = line(found.window.start()).zip(line(found.window.end()));
            let is_right = ends.is_some_and(|(first, last)| last - first == found.bars as usize);
            reliability.add(found.confidence, is_right);
        }
    }
    reliability
}

/// Kick on 1 and 3, snare on 2 and 4, hats on eighths, and one extra kick in every second bar.
fn pattern(bpm: f64, noise_db: f64) -> Vec<f32> {
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    // The strokes are the same in each period; the noise differs.
    let period = (8.0 * 60.0 / bpm * f64::from(RATE)).round() as usize;
    let beat = period as f64 / 8.0 / f64::from(RATE);
    let since = |t: f64, every: f64, offset: f64| (t - offset * beat).rem_euclid(every * beat);
    let kick = |s: f64| (-14.0 * s).exp() * (TAU * 55.0 * s).sin();
    let strokes: Vec<f64> = (0..period)
        .map(|n| {
            let t = n as f64 / f64::from(RATE);
            0.5 * kick(since(t, 2.0, 0.0))
                + 0.4 * kick(since(t, 8.0, 6.5))
                + 0.25 * (-22.0 * since(t, 2.0, 1.0)).exp() * noise()
                + 0.08 * (-70.0 * since(t, 0.5, 0.0)).exp() * noise()
        })
        .collect();
    let level = 0.5 * 10f64.powf(noise_db / 20.0);
    let length = (SECONDS * f64::from(RATE)) as usize;
    (0..length).map(|n| (strokes[n % period] + level * noise()) as f32).collect()
}

/// A mono WAV file of 32-bit floats.
fn wav(samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let length = u32::try_from(data.len()).expect("a short recording");
    let mut file = Vec::with_capacity(data.len() + 44);
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend([3u16.to_le_bytes(), 1u16.to_le_bytes()].concat());
    file.extend([RATE.to_le_bytes(), (4 * RATE).to_le_bytes()].concat());
    file.extend([4u16.to_le_bytes(), 32u16.to_le_bytes()].concat());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    file
}
