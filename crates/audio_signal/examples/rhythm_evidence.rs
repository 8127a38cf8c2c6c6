//! Extracts what the confidences of onsets, beats and tempi are decided from: reads lines of `RECORDING OUTPUT` and writes
//! JSON. See `tools/rhythm/confidence.py`.

mod decoded;

use std::error::Error;
use std::fs;
use std::io::{self, BufRead};

use audio_signal::{Beat, Onset, rhythm_evidence};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (recording, output) = line.split_once(' ').ok_or("expected lines of: RECORDING OUTPUT")?;
        let (rate, mono) = decoded::decode(recording)?;
        let found = rhythm_evidence(rate, &mono).ok_or("a sample rate that is not analysed")?;
        let onset = |onset: &Onset| json!([onset.time.as_secs_f64(), onset.strength, onset.confidence]);
        let beat = |(beat, by_net, features): &(Beat, bool, [f32; 2])| {
            json!([beat.time.as_secs_f64(), beat.position, beat.confidence, by_net, features])
        };
        let candidates = found.rhythm.tempo.iter().flat_map(|tempo| &tempo.candidates);
        let text = json!({
            "frames_per_second": found.frames_per_second,
            "rises": found.rises,
            "ranges": found.ranges,
            "onset_log_odds": found.onset_log_odds,
            "onsets": found.rhythm.onsets.iter().map(onset).collect::<Vec<_>>(),
            "beats": found.beats.iter().map(beat).collect::<Vec<_>>(),
            "pulse_beats": found.pulse_beats.iter().map(beat).collect::<Vec<_>>(),
            "tempi": found.tempi,
            "candidates": candidates.map(|tempo| [tempo.bpm, tempo.weight]).collect::<Vec<_>>(),
        });
        fs::write(output, text.to_string())?;
    }
    Ok(())
}
