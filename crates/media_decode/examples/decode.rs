//! Decodes recordings and prints their format, duration and decoding speed; with `--raw`, writes the samples to
//! standard output as `ffmpeg -f f32le -` does. `FFMPEG` and `FFPROBE` are the paths of the programs.
//!
//! ```text
//! cargo run --release -p media_decode --example decode -- [--raw] FILE...
//! ```

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that prints and is configured"
)]

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Instant;

use media_decode::{Decoder, Decoders, Ffmpeg};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let program = |name: &str, default: &str| std::env::var_os(name).map_or(default.into(), PathBuf::from);
    let ffmpeg = Ffmpeg::new(program("FFMPEG", "/usr/bin/ffmpeg"), program("FFPROBE", "/usr/bin/ffprobe"));
    let decoders = Decoders::with_ffmpeg(ffmpeg);
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--raw") {
        return arguments.iter().skip(1).try_for_each(|path| write_raw(open(&decoders, path)?));
    }
    for path in arguments.drain(..) {
        if let Err(error) = describe(&decoders, &path) {
            println!("{path}: {error}");
        }
    }
    Ok(())
}

fn open(decoders: &Decoders, path: &str) -> Result<Decoder, Box<dyn std::error::Error>> {
    Ok(decoders.open(Box::new(File::open(path)?), None)?)
}

fn describe(decoders: &Decoders, path: &str) -> Result<(), Box<dyn std::error::Error>> {
    println!("{path}: {:?}", decoders.probe(Box::new(File::open(path)?), None, &|| false)?);
    let started = Instant::now();
    let mut decoder = open(decoders, path)?;
    let mut peak: f32 = 0.0;
    while let Some(block) = decoder.next_block()? {
        peak = block.samples.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
    }
    let seconds = started.elapsed().as_secs_f64();
    let (format, stats) = (decoder.format(), decoder.stats());
    let speed = decoder.position().as_secs_f64() / seconds;
    println!(
        "{path}: {} {format:?}, {} in {seconds:.3} s ({speed:.0} x real time), audio from {}, video from {:?}, peak \
         {peak:.3}, {stats:?}",
        decoder.kind(),
        decoder.position(),
        decoder.audio_start(),
        decoder.video_start(),
    );
    Ok(())
}

fn write_raw(mut decoder: Decoder) -> Result<(), Box<dyn std::error::Error>> {
    let mut output = BufWriter::new(io::stdout().lock());
    while let Some(block) = decoder.next_block()? {
        for sample in block.samples {
            output.write_all(&sample.to_le_bytes())?;
        }
    }
    Ok(output.flush()?)
}
