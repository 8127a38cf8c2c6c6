//! Recordings of spoken digits with known words and times.

use std::io::{Cursor, Read};
use std::path::Path;
use std::process::Command;

use test_kit::files::corpus;
use zip::ZipArchive;

pub(crate) const DIGITS: [&str; 10] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// A linear congruential generator (Knuth's MMIX).
pub(crate) struct Lot(u64);

impl Lot {
    pub(crate) fn new(seed: u64) -> Self {
        let mut lot = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        lot.between(0.0, 1.0);
        lot
    }

    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * (self.0 >> 40) as f32 / (1 << 24) as f32
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.between(0.0, count as f32) as usize).min(count - 1)
    }
}

/// A recording and its spoken digits, with start and end in ms.
pub(crate) struct Spoken {
    pub(crate) wav: Vec<u8>,
    pub(crate) said: Vec<(&'static str, i64, i64)>,
}

/// Concatenates utterances with pauses between them.
fn row(lot: &mut Lot, rate: u32, utterances: Vec<(usize, Vec<f32>)>) -> Spoken {
    let mut samples = Vec::new();
    let mut said = Vec::new();
    let mut pause = |samples: &mut Vec<f32>| {
        let length = samples.len() + (lot.between(0.15, 0.6) * rate as f32) as usize;
        samples.resize(length, 0.0);
    };
    for (digit, utterance) in utterances {
        pause(&mut samples);
        let spoken = loud(&utterance, rate);
        let ms = |sample: usize| i64::try_from((samples.len() + sample) * 1_000 / rate as usize).unwrap();
        said.push((DIGITS[digit], ms(0), ms(spoken.len())));
        samples.extend(spoken);
    }
    pause(&mut samples);
    Spoken { wav: wav(rate, &samples), said }
}

/// The part from the first to the last 10 ms within 35 dB of the loudest.
fn loud(samples: &[f32], rate: u32) -> &[f32] {
    let hop = rate as usize / 100;
    let energy = |frame: &[f32]| frame.iter().map(|sample| sample * sample).sum::<f32>();
    let energies: Vec<f32> = samples.chunks(hop).map(energy).collect();
    let floor = energies.iter().fold(0.0, |peak: f32, energy| peak.max(*energy)) * 10_f32.powf(-3.5);
    let first = energies.iter().position(|energy| *energy > floor).unwrap();
    let last = energies.iter().rposition(|energy| *energy > floor).unwrap();
    &samples[first * hop..((last + 1) * hop).min(samples.len())]
}

/// Digits by espeak-ng voices that are not in the model's training data (`TEST_VARIANTS` of tools/digit_model/pool.py).
pub(crate) fn synthetic() -> Vec<Spoken> {
    const VOICES: [&str; 8] = ["f4", "m7", "michel", "steph2", "edward2", "klatt5", "linda", "victor"];
    const ACCENTS: [&str; 3] = ["en-us", "en-gb", "en-029"];
    let mut lot = Lot::new(42);
    let recording = |(voice, accent): (&str, &str)| {
        let voice = format!("{accent}+{voice}");
        let manner =
            [lot.between(105.0, 230.0), lot.between(15.0, 90.0)].map(|value| (value as u32).to_string());
        let mut utterance = || {
            let digit = lot.below(10);
            (digit, espeak(&voice, &manner, DIGITS[digit]))
        };
        let utterances = (0..10).map(|_| utterance()).collect();
        row(&mut lot, 22_050, utterances)
    };
    VOICES.into_iter().flat_map(|voice| ACCENTS.map(|accent| (voice, accent))).map(recording).collect()
}

/// Synthesizes a text with espeak-ng, which `make bootstrap` installs.
fn espeak(voice: &str, [speed, pitch]: &[String; 2], text: &str) -> Vec<f32> {
    let arguments = ["-v", voice, "-s", speed, "-p", pitch, "--stdout", text];
    let output = Command::new("espeak-ng").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    samples(&output.stdout)
}

/// Recordings 5 to 9 of each digit and speaker of the Free Spoken Digit Dataset, which are not in the model's training
/// data; `None` without the corpus.
pub(crate) fn recorded() -> Option<Vec<Spoken>> {
    let archive = corpus("fsdd/train.zip")?;
    let mut archive = ZipArchive::new(Cursor::new(std::fs::read(archive).unwrap())).unwrap();
    let mut names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    names.sort_unstable();
    let parts = |name: &str| {
        let (digit, rest) = Path::new(name).file_name()?.to_str()?.strip_suffix(".wav")?.split_once('_')?;
        let (speaker, index) = rest.split_once('_')?;
        Some((speaker.to_owned(), index.parse::<u32>().ok()?, digit.parse::<usize>().ok()?))
    };
    let mut wanted: Vec<_> = names.iter().filter_map(|name| Some((parts(name)?, name))).collect();
    wanted.retain(|((_, index, _), _)| (5..10).contains(index));
    // Sorted by speaker and take, so each recording has the ten digits of one speaker.
    wanted.sort_unstable();
    let mut lot = Lot::new(43);
    let mut take = |takes: &[((String, u32, usize), &String)]| {
        let utterance = |((_, _, digit), name): &((String, u32, usize), &String)| {
            let mut bytes = Vec::new();
            archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
            (*digit, samples(&bytes))
        };
        let mut utterances: Vec<_> = takes.iter().map(utterance).collect();
        (1..utterances.len()).rev().for_each(|last| utterances.swap(last, lot.below(last + 1)));
        row(&mut lot, 8_000, utterances)
    };
    Some(wanted.chunks(10).map(&mut take).collect())
}

/// The samples of a 16-bit mono WAV file.
fn samples(wav: &[u8]) -> Vec<f32> {
    let data = wav.windows(4).position(|tag| tag == b"data").unwrap() + 8;
    let sample = |bytes: &[u8; 2]| f32::from(i16::from_le_bytes(*bytes)) / 32_768.0;
    wav[data..].as_chunks::<2>().0.iter().map(sample).collect()
}

/// A 16-bit mono WAV file.
pub(crate) fn wav(rate: u32, samples: &[f32]) -> Vec<u8> {
    let samples: Vec<i16> = samples.iter().map(|sample| (sample * 32_767.0) as i16).collect();
    test_kit::wav(rate, 1, &samples)
}
