//! Extracts what the confidence of loops is decided from: reads lines of `RECORDING OUTPUT` and writes, for each loop of one,
//! two or four bars, start and end (s), bars, confidence, clarity, margin of the
//! bars and continuity. See `tools/rhythm/loops.py`.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead};

use audio_field_to_samples::extract::{FeatureSet, extract};
use audio_field_to_samples::loops::{Loop, LoopEvidence, LoopParams, detect};
use audio_signal::Control;

fn main() -> Result<(), Box<dyn Error>> {
    let params = LoopParams { min_confidence: 0.0, ..LoopParams::default() };
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (recording, output) = line.split_once(' ').ok_or("expected lines of: RECORDING OUTPUT")?;
        let wanted = FeatureSet { rhythm: true, bands: true };
        let features = extract(&File::open(recording)?.into(), wanted, &Control::none())?;
        let row = |found: &Loop| {
            let (start, end) = (found.window.start().as_secs_f64(), found.window.end().as_secs_f64());
            let LoopEvidence { clarity, margin, continuity, bars } = found.evidence;
            format!("{start} {end} {bars} {} {clarity} {margin} {continuity}\n", found.confidence)
        };
        fs::write(output, detect(&features, &params).iter().map(row).collect::<String>())?;
    }
    Ok(())
}
