//! Mutates recordings with seeded damage and decodes the mutants: no mutant may cause a panic or an internal error.
//!
//! ```text
//! cargo run --release -p media_decode --example mutants -- [--ffmpeg] COUNT [SEED]
//! ```
//!
//! The recordings are made by ffmpeg, a third of a second in each format. Without `--ffmpeg` all formats are decoded in
//! this process; with it, only the formats that need ffmpeg are tested, with ffmpeg. Prints outcomes by format, the
//! seeds of failures and the peak memory; exits with 1 if there was a failure.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints and is run by hand")]

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use media_decode::{DecodeError, Decoders, Ffmpeg, Source};

/// Name and encoding of each recording.
const RECORDINGS: [(&str, &str); 34] = [
    ("wav", "-c:a pcm_s16le"),
    ("adpcm.wav", "-c:a adpcm_ima_wav"),
    ("float.wav", "-c:a pcm_f32le"),
    ("flac", "-c:a flac"),
    ("aiff", "-c:a pcm_s16be"),
    ("caf", "-c:a pcm_s16be"),
    ("alac.caf", "-c:a alac"),
    ("mp3", "-c:a libmp3lame"),
    ("mp2", "-c:a mp2"),
    ("aac", "-c:a aac"),
    ("m4a", "-c:a aac"),
    ("alac.m4a", "-c:a alac"),
    ("fragments.mp4", "-c:a aac -movflags frag_keyframe+empty_moov"),
    ("segments.mp4", "-c:a aac -movflags dash+delay_moov+global_sidx"),
    ("s24be.mov", "-c:a pcm_s24be"),
    ("ogg", "-c:a libvorbis -page_duration 100000"),
    ("opus", "-c:a libopus -page_duration 100000"),
    ("flac.ogg", "-c:a flac -page_duration 100000"),
    ("webm", "-c:a libopus"),
    ("vorbis.mka", "-c:a libvorbis"),
    ("flac.mka", "-c:a flac"),
    ("aac.mkv", "-c:a aac"),
    ("avi", "-c:a libmp3lame"),
    ("flv", "-c:a aac"),
    ("ts", "-c:a aac"),
    ("mpg", "-c:a mp2"),
    ("wma", "-c:a wmav2"),
    ("ac3", "-c:a ac3"),
    ("eac3", "-c:a eac3"),
    ("w64", "-c:a pcm_s16le"),
    ("au", "-c:a pcm_s16be"),
    ("wv", "-c:a wavpack"),
    ("tta", "-c:a tta"),
    ("mxf", "-f lavfi -i color=s=64x48:r=25:d=0.3 -c:v mpeg2video -c:a pcm_s16le"),
];

/// Most blocks of a mutant that are decoded: a small file can declare days of silence.
const MAX_BLOCKS: usize = 2_000;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let uses_ffmpeg = arguments.first().is_some_and(|first| first == "--ffmpeg");
    arguments.drain(..usize::from(uses_ffmpeg));
    let count: u64 = arguments.first().map_or(10_000, |count| count.parse().unwrap());
    let seed: u64 = arguments.get(1).map_or(1, |seed| seed.parse().unwrap());
    // A panic inside a library is caught around its call, so its message is not printed.
    static CAUGHT: AtomicU64 = AtomicU64::new(0);
    std::panic::set_hook(Box::new(|_| {
        CAUGHT.fetch_add(1, Ordering::Relaxed);
    }));
    let recordings = make(uses_ffmpeg);
    let decoders = if uses_ffmpeg {
        Decoders::with_ffmpeg(Ffmpeg::new("/usr/bin/ffmpeg".into(), "/usr/bin/ffprobe".into()))
    } else {
        Decoders::native()
    };
    let (next, started) = (AtomicU64::new(0), Instant::now());
    let outcomes: Mutex<BTreeMap<(&str, &str), u64>> = Mutex::default();
    let failures: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < count) {
                    let (name, bytes) = &recordings[(number % recordings.len() as u64) as usize];
                    let mutant = mutate(bytes, seed.wrapping_add(number));
                    let outcome = decode_mutant(&decoders, mutant, uses_ffmpeg);
                    if matches!(outcome, "panic" | "our fault") {
                        failures
                            .lock()
                            .unwrap()
                            .push(format!("{name}, seed {}: {outcome}", seed.wrapping_add(number)));
                    }
                    *outcomes.lock().unwrap().entry((*name, outcome)).or_default() += 1;
                }
            });
        }
    });
    for ((name, outcome), count) in outcomes.into_inner().unwrap() {
        println!("{name:<16}{outcome:<14}{count}");
    }
    let failures = failures.into_inner().unwrap();
    println!(
        "{count} mutants from seed {seed} in {:.0} s, peak memory {} MB, {} panics caught around libraries, {} failures",
        started.elapsed().as_secs_f64(),
        peak_memory_mb(),
        CAUGHT.load(Ordering::Relaxed),
        failures.len()
    );
    failures.iter().for_each(|failure| println!("FAILED {failure}"));
    std::process::exit(i32::from(!failures.is_empty()));
}

/// Makes all recordings, or only those that need ffmpeg.
fn make(only_ffmpeg_formats: bool) -> Vec<(&'static str, Vec<u8>)> {
    let directory = tempfile::tempdir().unwrap();
    let make = |(name, encoding): &(&'static str, &'static str)| {
        let path = directory.path().join(format!("a.{name}"));
        let tone = "-v error -y -f lavfi -i aevalsrc=0.3*sin(440*2*PI*t)+0.1*random(0):s=48000:d=0.3 -ac 2";
        let arguments = tone.split_whitespace().chain(encoding.split_whitespace());
        let status = Command::new("ffmpeg").args(arguments).arg(&path).status().unwrap();
        assert!(status.success(), "ffmpeg cannot make {name}");
        (*name, std::fs::read(path).unwrap())
    };
    let needs_ffmpeg = |bytes: &Vec<u8>| {
        let format = media_decode::sniff(&mut Cursor::new(bytes)).unwrap();
        format.is_some_and(|format| !format.is_native())
    };
    RECORDINGS.iter().map(make).filter(|(_, bytes)| !only_ffmpeg_formats || needs_ffmpeg(bytes)).collect()
}

/// Flips, copies, removes and truncates bytes, mostly near the beginning, where headers are.
fn mutate(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut mutant = bytes.to_vec();
    for _ in 0..1 + random.below(6) {
        if mutant.is_empty() {
            break;
        }
        let within = if random.below(2) == 0 { mutant.len().min(600) } else { mutant.len() };
        let at = random.below(within);
        match random.below(8) {
            0 => mutant.truncate(at),
            1 => {
                let end = (at + random.below(200)).min(mutant.len());
                mutant.drain(at..end);
            }
            2 => {
                let end = (at + random.below(200)).min(mutant.len());
                let copy = mutant[at..end].to_vec();
                let to = random.below(mutant.len());
                mutant.splice(to..to, copy);
            }
            3 => mutant[at] = [0x00, 0xff, 0x7f, 0x80][random.below(4)],
            4 => {
                let end = (at + 4).min(mutant.len());
                mutant[at..end].fill([0x00, 0xff][random.below(2)]);
            }
            _ => mutant[at] ^= 1 << random.below(8),
        }
    }
    mutant
}

/// Probes and decodes a mutant, and returns the outcome.
fn decode_mutant(decoders: &Decoders, mutant: Vec<u8>, as_file: bool) -> &'static str {
    let result = catch_unwind(AssertUnwindSafe(|| -> Result<(), DecodeError> {
        let source: Box<dyn Source> = if as_file {
            let mut file = tempfile::tempfile()?;
            file.write_all(&mutant)?;
            Box::new(file)
        } else {
            Box::new(Cursor::new(mutant))
        };
        decoders.probe(source.reopen()?, None, &|| false)?;
        let mut decoder = decoders.open(source, None)?;
        for _ in 0..MAX_BLOCKS {
            match decoder.next_block()? {
                Some(block) => assert!(block.samples.iter().all(|sample| sample.is_finite())),
                None => break,
            }
        }
        Ok(())
    }));
    match result {
        Err(_) => "panic",
        Ok(Ok(())) => "decoded",
        Ok(Err(error)) if error.is_about_media() => "refused",
        Ok(Err(DecodeError::FfmpegUnavailable { .. })) => "for ffmpeg",
        Ok(Err(_)) => "our fault",
    }
}

/// Pseudo-random numbers by xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }
}

fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1_024
}
