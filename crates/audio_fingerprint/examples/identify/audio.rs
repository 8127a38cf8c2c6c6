//! Recordings by ffmpeg, and what happens to queries.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn to_bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn to_samples(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Runs ffmpeg with `input` on standard input; returns its output.
fn ffmpeg(arguments: &[&str], input: Vec<u8>) -> Vec<u8> {
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout
}

const RAW: [&str; 6] = ["-ac", "1", "-ar", "16000", "-f", "f32le"];

/// A file as mono at 16 kHz; empty without audio.
pub(crate) fn decode(path: &Path) -> Vec<f32> {
    let output = Command::new("ffmpeg")
        .args(["-v", "quiet", "-nostdin", "-i"])
        .arg(path)
        .args(["-vn"])
        .args(RAW)
        .arg("-")
        .output()
        .unwrap();
    to_samples(&output.stdout)
}

/// Samples after an ffmpeg filter.
pub(crate) fn filtered(samples: &[f32], filter: &str) -> Vec<f32> {
    let arguments = [&RAW[..], &["-i", "-", "-af", filter], &RAW[..], &["-"]].concat();
    to_samples(&ffmpeg(&arguments[2..], to_bytes(samples)))
}

/// Samples encoded and decoded again. The files are needed for the encoder's delay, which a pipe does not have.
pub(crate) fn coded(samples: &[f32], codec: &[&str], extension: &str) -> Vec<f32> {
    let file = std::env::temp_dir().join(format!("fingerprint-{}.{extension}", std::process::id()));
    let name = file.to_str().unwrap();
    let arguments = [&["-y"][..], &RAW[2..], &["-ac", "1", "-i", "-"], codec, &[name]].concat();
    ffmpeg(&arguments, to_bytes(samples));
    let decoded = decode(&file);
    std::fs::remove_file(&file).unwrap();
    decoded
}

/// A WAVE file of mono samples at 16 kHz, 16 bit.
pub(crate) fn to_wave(samples: &[f32]) -> Vec<u8> {
    let length = 2 * samples.len() as u32;
    let numbers =
        |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let (head, format) = (numbers(&[36 + length]), numbers(&[16, 0x1_0001, 16_000, 32_000, 0x10_0002]));
    let mut file = [b"RIFF", &head[..], b"WAVEfmt ", &format, b"data", &numbers(&[length])].concat();
    let value = |sample: &f32| (sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16;
    file.extend(samples.iter().flat_map(|sample| value(sample).to_le_bytes()));
    file
}

/// Pseudo-random numbers from 0 to 1 (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as f64 / u64::MAX as f64
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((self.next() * end as f64) as usize).min(end.saturating_sub(1))
    }
}

fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32
}

/// Adds `other` at `snr_db` below the power of `samples`.
pub(crate) fn mixed(samples: &[f32], other: &[f32], snr_db: f32) -> Vec<f32> {
    let gain = (power(samples) / power(other).max(1e-12) / 10f32.powf(snr_db / 10.0)).sqrt();
    samples.iter().zip(other.iter().cycle()).map(|(a, b)| a + gain * b).collect()
}

/// As [`mixed`], for each `slot` of samples by itself.
pub(crate) fn mixed_by_slot(samples: &[f32], other: &[f32], snr_db: f32, slot: usize) -> Vec<f32> {
    samples.chunks(slot).zip(other.chunks(slot)).flat_map(|(a, b)| mixed(a, b, snr_db)).collect()
}

pub(crate) fn is_quiet(samples: &[f32]) -> bool {
    power(samples) < 1e-5
}

/// White noise.
pub(crate) fn white(random: &mut Random, samples: usize) -> Vec<f32> {
    (0..samples).map(|_| random.next() as f32 - 0.5).collect()
}

/// Samples in a made room with this reverberation time in s, as loud as the direct sound: four combs, two all-passes
/// (Schroeder 1962).
pub(crate) fn reverberant(samples: &[f32], seconds: f32) -> Vec<f32> {
    let mut wet = vec![0.0; samples.len()];
    for delay in [475, 594, 659, 699] {
        let gain = 10f32.powf(-3.0 * delay as f32 / f32::from(16_000u16) / seconds);
        let mut comb = samples.to_vec();
        for n in delay..comb.len() {
            comb[n] += gain * comb[n - delay];
        }
        wet.iter_mut().zip(comb).for_each(|(wet, comb)| *wet += comb);
    }
    for delay in [80, 27] {
        let dry = wet.clone();
        for n in 0..wet.len() {
            let (input, output) = n.checked_sub(delay).map_or((0.0, 0.0), |at| (dry[at], wet[at]));
            wet[n] = -0.7 * dry[n] + input + 0.7 * output;
        }
    }
    // The reflections arrive 10 ms after the direct sound.
    let late: Vec<f32> = std::iter::repeat_n(0.0, 160).chain(wet).take(samples.len()).collect();
    mixed(samples, &late, 0.0)
}
