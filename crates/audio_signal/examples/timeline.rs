//! Prints the segments, the loudness and the tempo of recordings.
//!
//! ```text
//! cargo run --release -p audio_signal --example timeline -- [--json] RECORDING…
//! ```
//!
//! With `--json`, a line for each recording: `{"recording", "segments": [[kind, start, end]], "beats", "downbeats",
//! "onsets"}`, in seconds. The other programs of `tools/peers` are compared with it.

#![expect(clippy::print_stdout, reason = "what an example prints is what it is for")]

use std::error::Error;
use std::fs::File;

use audio_signal::{Analysis, AnalysisParams, Beat, Control, analyze};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, paths): (Vec<_>, Vec<_>) =
        arguments.iter().partition(|argument| argument.starts_with("--"));
    if paths.is_empty() || options.iter().any(|option| *option != "--json") {
        return Err("usage: timeline [--json] RECORDING…".into());
    }
    for path in paths {
        let analysis = analyze(&File::open(path)?.into(), &AnalysisParams::default(), &Control::none())?;
        if options.is_empty() {
            print(&analysis);
        } else {
            println!("{}", json(path, &analysis));
        }
    }
    Ok(())
}

fn print(analysis: &Analysis) {
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
}

fn json(path: &str, analysis: &Analysis) -> serde_json::Value {
    let segments = analysis.segments.iter().map(|segment| {
        let (start, end) = (segment.window.start().as_secs_f64(), segment.window.end().as_secs_f64());
        serde_json::json!([segment.kind.as_str(), start, end])
    });
    let times = |beats: &mut dyn Iterator<Item = &Beat>| -> Vec<f64> {
        beats.map(|beat| beat.time.as_secs_f64()).collect()
    };
    let beats = &analysis.rhythm.beats;
    let onsets = analysis.rhythm.onsets.iter().map(|onset| onset.time.as_secs_f64());
    serde_json::json!({
        "recording": path,
        "segments": segments.collect::<Vec<_>>(),
        "beats": times(&mut beats.iter()),
        "downbeats": times(&mut beats.iter().filter(|beat| beat.position == 1)),
        "onsets": onsets.collect::<Vec<_>>(),
    })
}
