//! Diarizes WAV files (16 kHz, mono, 16 bit) for `tools/speakers/measure.py`: one JSON line per file with turns, voices
//! and the CPU time in seconds.
//!
//!     diarize MODELS THREADS [MIN MAX] < list of paths
//!     diarize MODELS embed < list of paths      (the embedding of the only speaker of each file)

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring tool: its output is its result")]

use std::io::BufRead;
use std::path::Path;

use audio_speakers::{Diarizer, SpeakerCount, SpeakerModels};
use serde_json::json;

fn samples(path: &str) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let data = bytes.windows(4).position(|w| w == b"data").unwrap() + 8;
    bytes[data..].chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect()
}

/// User and system CPU time of this process, in seconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_embedding = arguments[1] == "embed";
    let threads = arguments[1].parse().unwrap_or(1);
    let bound = |i: usize| arguments.get(i).and_then(|text| text.parse().ok());
    let count = SpeakerCount::new(bound(2), bound(3)).unwrap();
    let models = SpeakerModels::load(Path::new(&arguments[0]), threads).unwrap();
    for path in std::io::stdin().lock().lines() {
        let path = path.unwrap();
        let samples = samples(&path);
        let before = cpu_seconds();
        if is_embedding {
            let line = match models.voice_of(&samples, &|| false) {
                Ok(voice) => json!({"path": path, "embedding": voice.embedding.values()}),
                Err(error) => json!({"path": path, "error": error.to_string()}),
            };
            println!("{line}");
            continue;
        }
        let mut diarizer = Diarizer::new(&models, count);
        for piece in samples.chunks(4_096) {
            diarizer.push(piece).unwrap();
        }
        let found = diarizer.finish(&|| false).unwrap();
        let turns: Vec<_> = found
            .turns()
            .iter()
            .map(|turn| {
                let (start, end) = (turn.window.start().as_secs_f64(), turn.window.end().as_secs_f64());
                json!([start, end, turn.speaker, turn.is_overlapped])
            })
            .collect();
        let voices: Vec<_> =
            found.voices().iter().map(|v| json!([v.speech.as_secs_f64(), v.confidence])).collect();
        let cpu = cpu_seconds() - before;
        println!("{}", json!({"path": path, "cpu": cpu, "turns": turns, "voices": voices}));
    }
}
