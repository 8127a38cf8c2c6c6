//! Prints the segments, the loudness and the tempo of a recording.
//!
//! ```text
//! cargo run --release -p audio_signal --example timeline -- RECORDING
//! ```

#![expect(clippy::print_stdout, reason = "what an example prints is what it is for")]

use std::error::Error;
use std::fs::File;

use audio_signal::{AnalysisParams, Control, analyze};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: timeline RECORDING")?;
    let analysis = analyze(&File::open(path)?.into(), &AnalysisParams::default(), &Control::none())?;

    println!("{} long, {} Hz {}", analysis.duration, analysis.format.rate, analysis.format.codec);
    if let Some(lufs) = analysis.integrated_lufs {
        println!("{lufs:.1} LUFS");
    }
    if let Some(tempo) = &analysis.rhythm.tempo {
        println!("{:.1} beats per minute, {} beats", tempo.bpm, analysis.rhythm.beats.len());
    }
    for segment in &analysis.segments {
        let over_music = if segment.background_music { " over music" } else { "" };
        let sung = if segment.sung { ", sung" } else { "" };
        let (start, end) = (segment.window.start(), segment.window.end());
        println!(
            "{start:>12} {end:>12}  {}{over_music}{sung} ({:.2})",
            segment.kind.as_str(),
            segment.confidence
        );
    }
    Ok(())
}
