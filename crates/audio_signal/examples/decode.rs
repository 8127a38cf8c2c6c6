//! Decodes recordings and tells what they are, how long they are and how fast it went; with `--raw`, writes the
//! samples of one to standard output as `ffmpeg -f f32le -` does.
//!
//! ```text
//! cargo run --release -p audio_signal --example decode -- [--raw] FILE...
//! ```

#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::Instant;

use audio_signal::decode::Decoder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--raw") {
        return arguments.iter().skip(1).try_for_each(|path| write_raw(path));
    }
    for path in arguments.drain(..) {
        if let Err(error) = describe(&path) {
            println!("{path}: {error}");
        }
    }
    Ok(())
}

fn describe(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    println!("{path}: {:?}", audio_signal::probe::probe(File::open(path)?)?);
    let started = Instant::now();
    let mut decoder = Decoder::open(File::open(path)?)?;
    while decoder.next_block()?.is_some() {}
    let seconds = started.elapsed().as_secs_f64();
    let (format, stats) = (decoder.format(), decoder.stats());
    let speed = decoder.position().as_secs_f64() / seconds;
    println!(
        "{path}: {format:?}, {} in {seconds:.3} s ({speed:.0} x real time), {stats:?}",
        decoder.position()
    );
    Ok(())
}

fn write_raw(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut decoder = Decoder::open(File::open(path)?)?;
    let mut output = BufWriter::new(io::stdout().lock());
    while let Some(block) = decoder.next_block()? {
        for sample in block.samples {
            output.write_all(&sample.to_le_bytes())?;
        }
    }
    Ok(output.flush()?)
}
