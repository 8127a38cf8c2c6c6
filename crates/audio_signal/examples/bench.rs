//! Benchmark of the analysis: `cargo run --release -p audio_signal --example bench -- RECORDING…`
//!
//! Prints for each recording how many times faster than real time it is analysed, as a whole and in parts, and the peak
//! of resident memory, in comparison with ffmpeg's decoding of the same file. Each measurement runs in its own process,
//! so that peaks do not add up. `make bench` makes recordings of 11 minutes and 3 hours in `fixtures/media`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use audio_signal::{AnalysisParams, Control, analyze};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Measured cases: name, whether beats and whether speech and music are detected, and threads (0: all cores).
const CASES: [(&str, bool, bool, usize); 5] = [
    ("all, one thread", true, true, 1),
    ("all, all cores", true, true, 0),
    ("decoding, loudness and silence", false, false, 1),
    (".. and beats", true, false, 1),
    (".. and speech and music", false, true, 1),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [mode, case, file] if mode == "--measure" => measure(case, Path::new(file)),
        recordings => bench(recordings),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a table for each recording.
fn bench(recordings: &[String]) -> Outcome<()> {
    for recording in recordings {
        let file = Path::new(recording);
        let (_, _, length) = run_case(0, file)?;
        let decoding = ffmpeg_seconds(file)?;
        println!("\n{recording}, {length:.0} s");
        println!(
            "{:<34}{decoding:>9.2} s{:>9.0} × real time",
            "ffmpeg decoding, one thread",
            length / decoding
        );
        for (index, (case, ..)) in CASES.iter().enumerate() {
            let (took, peak, _) = run_case(index, file)?;
            println!(
                "{case:<34}{took:>9.2} s{:>9.0} × real time{:>8.1} × ffmpeg{peak:>8.0} MiB peak",
                length / took,
                took / decoding
            );
        }
    }
    Ok(())
}

/// Runs one case in its own process; returns the seconds taken, the peak memory in MiB and the seconds of audio.
fn run_case(case: usize, file: &Path) -> Outcome<(f64, f64, f64)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--measure", &case.to_string()]).arg(file).stderr(Stdio::inherit());
    let output = String::from_utf8(command.output()?.stdout)?;
    let numbers: Vec<f64> = output.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let &[took, peak, length] = numbers.as_slice() else { return Err("a measurement failed".into()) };
    Ok((took, peak, length))
}

/// Analyses `file` and prints the seconds taken, the peak of resident memory in MiB and the seconds of audio.
fn measure(case: &str, file: &Path) -> Outcome<()> {
    let (_, include_beats, include_speech_music, threads) = CASES[case.parse::<usize>()?];
    let cores = std::thread::available_parallelism()?.get();
    let threads = if threads == 0 { cores } else { threads };
    let params = AnalysisParams { include_beats, include_speech_music, threads, ..AnalysisParams::default() };
    let started = Instant::now();
    let analysis = analyze(&File::open(file)?.into(), &params, &Control::none())?;
    let took = started.elapsed().as_secs_f64();
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    println!("{took} {} {}", kibibytes / 1_024, analysis.duration.as_secs_f64());
    Ok(())
}

fn ffmpeg_seconds(file: &Path) -> Outcome<f64> {
    let started = Instant::now();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-threads", "1", "-i"]).arg(file).args(["-f", "null", "-"]);
    if command.status()?.success() {
        Ok(started.elapsed().as_secs_f64())
    } else {
        Err("ffmpeg failed".into())
    }
}
