//! What landmarks cost beside an analysis: `cargo run --release -p audio_signal --example landmarks -- RECORDING…`
//!
//! Prints CPU times in ms for a second of audio, of one thread: the analysis without and with landmarks, landmarks from
//! samples alone, ffmpeg's decoding. Medians of [`RUNS`], in alternation, so that what else the machine does is in all of
//! them.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use audio_fingerprint::Fingerprinter;
use audio_signal::{AnalysisParams, Control, SignalError, analyze, read_mono};
use media_decode::MediaInput;

type Outcome<T> = Result<T, Box<dyn Error>>;

const RUNS: usize = 7;

fn main() -> Outcome<()> {
    for recording in std::env::args().skip(1) {
        measure(Path::new(&recording))?;
    }
    Ok(())
}

fn measure(file: &Path) -> Outcome<()> {
    let mut samples = Vec::new();
    read_mono(MediaInput::from(File::open(file)?).decoder()?, &Control::none(), |block| {
        samples.extend_from_slice(block);
        Ok::<_, SignalError>(ControlFlow::Continue(()))
    })?;
    let seconds = samples.len() as f64 / f64::from(audio_fingerprint::RATE);
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..RUNS {
        for (index, times) in times.iter_mut().enumerate() {
            let before = cpu_ms(index == 3)?;
            match index {
                0 | 1 => {
                    let params =
                        AnalysisParams { include_landmarks: index == 1, ..AnalysisParams::default() };
                    analyze(&File::open(file)?.into(), &params, &Control::none())?;
                }
                2 => {
                    let mut fingerprinter = Fingerprinter::new();
                    samples.chunks(4_096).for_each(|block| fingerprinter.push(block));
                    std::hint::black_box(fingerprinter.finish());
                }
                _ => decode(file)?,
            }
            times.push((cpu_ms(index == 3)? - before) / seconds);
        }
    }
    let [without, with, alone, decoding] = times.map(|mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[RUNS / 2]
    });
    println!(
        "{}, {seconds:.0} s: analysis {without:.3}, with landmarks {with:.3} ({:.3} more: {:.2} of ffmpeg's decoding, \
         {decoding:.3}); landmarks of samples alone {alone:.3}",
        file.display(),
        with - without,
        (with - without) / decoding
    );
    Ok(())
}

fn decode(file: &Path) -> Outcome<()> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-threads", "1", "-i"]).arg(file).args(["-f", "null", "-"]);
    if command.status()?.success() { Ok(()) } else { Err("ffmpeg failed".into()) }
}

/// CPU time of this thread, or of the processes it has waited for, in ms.
fn cpu_ms(of_children: bool) -> Outcome<f64> {
    if of_children {
        let stat = fs::read_to_string("/proc/self/stat")?;
        let (_, fields) = stat.rsplit_once(')').ok_or("no process")?;
        let ticks = fields.split_whitespace().skip(13).take(2).map(str::parse::<f64>);
        return Ok(10.0 * ticks.sum::<Result<f64, _>>()?);
    }
    let stat = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(stat.split_whitespace().next().ok_or("no times")?.parse::<f64>()? / 1e6)
}
